/*
 * Gives what the theme only lets one click a name, a place in the order of the keyboard, and its keys.
 *
 * The theme writes its menus as plain elements that wait for a click, and its signs as words in a font of signs,
 * which a screen reader would read aloud.
 */
"use strict";

(() => {
  const SIGN = ".material-symbols-outlined";
  const CLICKED = "[x-on\\:click]";
  const NATIVE = "a[href], button, input, select, textarea, summary";
  // What a sign means where nothing else says it.
  const MEANINGS = {
    dock_to_right: "Menu",
    close: "Close the menu",
    search: "Search",
    computer: "Theme",
    light_mode: "Theme",
    dark_mode: "Theme",
  };

  const words = (control) => {
    const copy = control.cloneNode(true);
    for (const sign of copy.querySelectorAll(SIGN)) sign.remove();
    return control.matches(SIGN) ? "" : copy.textContent.trim();
  };

  const isNamed = (control) =>
    words(control) || control.getAttribute("aria-label") || control.getAttribute("aria-labelledby");

  const name = (control) => {
    const sign = control.matches(SIGN) ? control : control.querySelector(SIGN);
    if (!sign || isNamed(control) || control.querySelector("img[alt]")) return;
    const written = sign.textContent.trim();
    control.ariaLabel = control.title || MEANINGS[written] || written.replaceAll("_", " ");
  };

  // What holds other controls, or nothing at all, is a backdrop that closes what is in front of it.
  const isBackdrop = (element) => element.querySelector(NATIVE) || !element.textContent.trim();

  const press = (event) => {
    if (event.target !== event.currentTarget || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    event.currentTarget.click();
  };

  const makeButton = (element) => {
    element.role = "button";
    element.tabIndex = 0;
    element.addEventListener("keydown", press);
  };

  const enliven = (root) => {
    for (const control of root.querySelectorAll(`a, button, ${CLICKED}`)) {
      if (control.matches(CLICKED) && !control.matches(NATIVE) && !isBackdrop(control)) {
        makeButton(control);
      }
      if (control.matches(`${NATIVE}, [role="button"]`)) name(control);
    }
    for (const sign of root.querySelectorAll(`${SIGN}:not([role="button"])`)) sign.ariaHidden = "true";
  };

  // Filters open over the page: whoever works by keyboard goes on inside them.
  const enterFilters = () => {
    const first = document.querySelector("#changelist-filter :is(a, input, select):not([type=hidden])");
    requestAnimationFrame(() => requestAnimationFrame(() => first?.focus()));
  };

  const titleOf = (select) =>
    select.labels[0]?.textContent.trim() ||
    select.closest("[data-label]")?.dataset.label ||
    select.closest(":has(label)")?.querySelector("label").textContent.trim();

  // Lists that one searches stand beside the list that they stand for, and know its value but not its name.
  const nameLists = (root) => {
    for (const list of (root.parentElement ?? root).querySelectorAll?.(".select2-container") ?? []) {
      const select = list.previousElementSibling;
      const title = select?.matches("select") && titleOf(select);
      const chosen = list.querySelector(".select2-selection[aria-labelledby]");
      if (chosen && title && !chosen.ariaLabel) {
        const value = chosen.getAttribute("aria-labelledby");
        chosen.id = `${value}-list`;
        chosen.ariaLabel = title;
        chosen.setAttribute("aria-labelledby", `${chosen.id} ${value}`);
        const shown = chosen.querySelector("[role=textbox]");
        for (const attribute of ["role", "aria-readonly"]) shown?.removeAttribute(attribute);
      }
      for (const field of list.querySelectorAll(".select2-search__field")) {
        field.ariaLabel ||= title || "Search";
      }
    }
  };

  // What is wider than its place is moved by the arrow keys once it can have the focus.
  const scrolling = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });

  // Who presses twice means it once. What is come back to, or has had no answer for long, can be sent again.
  const AGAIN = 10_000;
  let sent = new WeakMap();
  const sendOnce = (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    const isAgain = event.timeStamp - (sent.get(event.target) ?? -Infinity) < AGAIN;
    if (isAgain) event.preventDefault();
    else sent.set(event.target, event.timeStamp);
  };

  htmx.onLoad((root) => {
    enliven(root);
    for (const wide of root.querySelectorAll(".bh-scroll")) scrolling.observe(wide);
  });
  document.addEventListener("DOMContentLoaded", () => {
    nameLists(document);
    new MutationObserver((changes) =>
      changes.forEach((change) => change.addedNodes.forEach(nameLists)),
    ).observe(document.body, { childList: true, subtree: true });
  });
  document.addEventListener("submit", sendOnce);
  window.addEventListener("pageshow", () => (sent = new WeakMap()));
  document.addEventListener("click", (event) => {
    if (event.target.closest?.('[x-on\\:click="filterOpen = true"]')) enterFilters();
  });
})();
