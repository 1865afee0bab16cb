/* Suggests names in a text field while somebody types: a convenience, the field works without it. */
"use strict";

document.querySelectorAll("[data-names-from]").forEach((place) => {
  const field = place.querySelector("input");
  const list = document.getElementById(field.getAttribute("list"));
  let asked = "";
  let waiting = 0;

  async function suggest() {
    const term = field.value;
    if (term === asked) return;
    asked = term;
    const address = new URL(place.dataset.namesFrom, window.location.href);
    address.searchParams.set("q", term);
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!answer.ok) return;
    const { names } = await answer.json();
    // A slower, older answer must not replace a newer one.
    if (term !== asked) return;
    list.replaceChildren(
      ...names.map((name) => Object.assign(document.createElement("option"), { value: name })),
    );
  }

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(suggest, 150);
  });
  field.addEventListener("focus", suggest);
});
