/*
 * Shows the buttons that copy a text of the page, which without this script stay hidden: the text can be
 * selected by hand. `data-copies` names the element with the text, `data-done` is said once it is copied.
 */
"use strict";

(() => {
  // Browsers give the clipboard to secure pages only; elsewhere the selected text is copied the old way.
  const copied = async (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    if (!navigator.clipboard) {
      return document.execCommand("copy");
    }
    return navigator.clipboard.writeText(element.textContent.trim()).then(
      () => true,
      () => false,
    );
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-copies]")) {
      const label = button.textContent;
      button.hidden = false;
      button.addEventListener("click", async () => {
        const done = await copied(document.getElementById(button.dataset.copies));
        button.textContent = done ? button.dataset.done : label;
      });
    }
  });
})();
