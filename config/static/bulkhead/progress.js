/* Follows an operation that is not finished: shows how far it has come, and the whole page when it is done.
   Without it the page reloads by itself. */
"use strict";

document.querySelectorAll("[data-progress]").forEach((place) => {
  const EVERY = 1000;
  // As it came, before its times are shown in the viewer's zone.
  let last = place.innerHTML.trim();

  async function look() {
    try {
      const answer = await fetch(place.dataset.progress, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) {
        if (answer.headers.get("X-Finished") === "true") {
          window.location.reload();
          return;
        }
        const shown = new DOMParser().parseFromString(await answer.text(), "text/html");
        // Words that have not changed are left alone, so that nobody hears them again and again.
        const words = shown.body.innerHTML.trim();
        if (words !== last) {
          last = words;
          place.replaceChildren(...shown.body.childNodes);
          place.dispatchEvent(new Event("bulkhead:shown", { bubbles: true }));
        }
      }
    } catch {
      // The server may be starting again: the next look tells.
    }
    setTimeout(look, EVERY);
  }

  setTimeout(look, EVERY);
});
