/* Draws the charts of a page with the theme's copy of Chart.js. Each stands above a table with the
   same numbers, which is all there is without this script. */
"use strict";

(() => {
  const drawn = [];
  // Of the parts of which bars are made, in their order.
  const COLOURS = ["--bh-chart", "--bh-chart-programs", "--bh-chart-refused"];

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const shortened = (text) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);

  function paint(chart) {
    const { plugins, scales } = chart.options;
    for (const [at, part] of chart.data.datasets.entries()) {
      part.backgroundColor = colour(COLOURS[at]);
      part.hoverBackgroundColor = colour(at ? COLOURS[at] : "--bh-chart-strong");
    }
    plugins.legend.labels.color = colour("--bh-soft");
    for (const scale of [scales.x, scales.y]) {
      scale.ticks.color = colour("--bh-soft");
      scale.grid.color = colour("--bh-line");
    }
    chart.update();
  }

  function scaleOf(numbers, labels) {
    return numbers
      ? { stacked: true, beginAtZero: true, border: { display: false }, grid: {}, ticks: { maxTicksLimit: 6, precision: 0 } }
      : {
          stacked: true,
          border: { display: false },
          grid: { display: false },
          ticks: { autoSkip: labels.length > 12, callback: (_, at) => shortened(labels[at]), maxRotation: 0 },
        };
  }

  function draw(place) {
    const { lying, labels, values, parts, words, addresses } = JSON.parse(place.dataset.chart);
    const follow = (_, [bar]) => {
      if (bar && addresses[bar.index]) window.location.assign(addresses[bar.index]);
    };
    const point = (event, [bar]) => {
      event.native.target.classList.toggle("bh-pointing", Boolean(bar && addresses[bar.index]));
    };
    place.hidden = false;
    const chart = new Chart(place.querySelector("canvas"), {
      type: "bar",
      data: {
        labels,
        datasets: (parts.length ? parts : [["", values]]).map(([label, data]) => ({
          label, data, borderRadius: 3, maxBarThickness: 28,
        })),
      },
      options: {
        animation: false,
        indexAxis: lying ? "y" : "x",
        maintainAspectRatio: false,
        onClick: follow,
        onHover: point,
        plugins: {
          legend: { display: parts.length > 0, align: "start", labels: { boxHeight: 10, boxWidth: 10 } },
          tooltip: parts.length
            ? { mode: "index" }
            : { displayColors: false, callbacks: { label: ({ dataIndex }) => words[dataIndex].join(" · ") } },
        },
        scales: { x: scaleOf(lying, labels), y: scaleOf(!lying, labels) },
      },
    });
    paint(chart);
    drawn.push(chart);
    place.parentElement.querySelector("details").open = false;
  }

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  document.querySelectorAll("[data-chart]").forEach(draw);
  document.fonts.ready.then(() => drawn.forEach(paint));
  // Light and dark are a class of the page.
  new MutationObserver(() => drawn.forEach(paint)).observe(document.documentElement, {
    attributeFilter: ["class"],
  });
})();
