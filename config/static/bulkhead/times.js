/* Shows times in the viewer's zone, and in UTC where the pointer rests: without it, all times are in UTC. */
"use strict";

(() => {
  const form = new Intl.DateTimeFormat(undefined, {
    day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", timeZoneName: "short",
  });

  function show(place) {
    const at = new Date(place.dateTime);
    if (Number.isNaN(at.getTime())) return;
    place.title = `${at.toISOString().replace("T", " ").replace(/\.\d+Z$/, "")} UTC`;
    place.textContent = form.format(at);
  }

  // Below a field that takes a time in UTC stands what that is in the viewer's zone.
  function translate(field) {
    const told = document.createElement("output");
    told.htmlFor = field.id;
    field.after(told);
    function tell() {
      const at = new Date(`${field.value}Z`);
      told.textContent = Number.isNaN(at.getTime()) ? "" : `= ${form.format(at)}`;
    }
    field.addEventListener("input", tell);
    tell();
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("time[datetime]").forEach(show);
    document.querySelectorAll(".bh-question input[type='datetime-local']").forEach(translate);
  });
  // What was fetched and put in later says so.
  document.addEventListener("bulkhead:shown", (event) => {
    event.target.querySelectorAll("time[datetime]").forEach(show);
  });
})();
