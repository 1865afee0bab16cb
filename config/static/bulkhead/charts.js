/* Draws the charts of the home page with the theme's copy of Chart.js. Each stands above a table with the
   same numbers, which is all there is without this script. */
"use strict";

(() => {
  const drawn = [];

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const shortened = (text) => (text.length > 22 ? `${text.slice(0, 21)}…` : text);

  function paint(chart) {
    const { scales } = chart.options;
    chart.data.datasets[0].backgroundColor = colour("--bh-chart");
    chart.data.datasets[0].hoverBackgroundColor = colour("--bh-chart-strong");
    for (const scale of [scales.x, scales.y]) {
      scale.ticks.color = colour("--bh-soft");
      scale.grid.color = colour("--bh-line");
    }
    chart.update();
  }

  function scaleOf(numbers, labels) {
    return numbers
      ? { beginAtZero: true, border: { display: false }, grid: {}, ticks: { maxTicksLimit: 6, precision: 0 } }
      : {
          border: { display: false },
          grid: { display: false },
          ticks: { autoSkip: labels.length > 12, callback: (_, at) => shortened(labels[at]), maxRotation: 0 },
        };
  }

  function draw(place) {
    const { lying, labels, values, words, addresses } = JSON.parse(place.dataset.chart);
    const follow = (_, [bar]) => {
      if (bar && addresses[bar.index]) window.location.assign(addresses[bar.index]);
    };
    const point = (event, [bar]) => {
      event.native.target.classList.toggle("bh-pointing", Boolean(bar && addresses[bar.index]));
    };
    place.hidden = false;
    const chart = new Chart(place.querySelector("canvas"), {
      type: "bar",
      data: { labels, datasets: [{ data: values, borderRadius: 3, maxBarThickness: 28 }] },
      options: {
        animation: false,
        indexAxis: lying ? "y" : "x",
        maintainAspectRatio: false,
        onClick: follow,
        onHover: point,
        plugins: {
          legend: { display: false },
          tooltip: { displayColors: false, callbacks: { label: ({ dataIndex }) => words[dataIndex].join(" · ") } },
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
