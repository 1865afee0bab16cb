/* Shows times in the viewer's zone, and in UTC where the pointer rests: without it, all times are in UTC. */
"use strict";

(() => {
  const form = new Intl.DateTimeFormat(undefined, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", timeZoneName: "short",
  });

  function show(place) {
    const at = new Date(place.dateTime);
    // What is fetched again every second is compared with what came before, in UTC.
    if (place.closest("[data-progress]") || Number.isNaN(at.getTime())) return;
    place.title = `${at.toISOString().replace("T", " ").replace(/\.\d+Z$/, "")} UTC`;
    place.textContent = form.format(at);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("time[datetime]").forEach(show);
  });
})();
