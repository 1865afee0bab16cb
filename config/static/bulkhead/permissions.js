// Makes buttons of the lists in the grid of permissions: each cycles leave, grant, revoke; the heads of rows
// and columns set all of theirs. Without this file the lists stay, and say the same.

const SIGNS = { leave: "", grant: "+", revoke: "−" };
const WORDS = { leave: "left as it is", grant: "to grant", revoke: "to revoke" };

for (const table of document.querySelectorAll("[data-cells]")) {
  const said = document.querySelector("[data-cells-said]");
  document.querySelector("[data-cells-hint]").hidden = false;
  const rows = [...table.tBodies[0].rows];
  const selects = [...table.querySelectorAll("td > select")];
  const allows = (select, value) => [...select.options].some((option) => option.value === value);

  const show = (select) => {
    const button = select.previousElementSibling;
    button.dataset.wish = select.value;
    button.lastElementChild.textContent = SIGNS[select.value];
    button.setAttribute("aria-label", `${select.getAttribute("aria-label")}: ${WORDS[select.value]}`);
  };

  const set = (select, value) => {
    select.value = allows(select, value) ? value : "leave";
    show(select);
  };

  // All that are given, to what comes after what they have in common as far as they allow it; without
  // that, to the first wish.
  const cycle = (given, label) => {
    const order = Object.keys(SIGNS).filter((value) => given.some((select) => allows(select, value)));
    const common = order.findIndex((value) =>
      given.every((select) => select.value === (allows(select, value) ? value : "leave")),
    );
    const next = order[(common < 0 ? 1 : common + 1) % order.length];
    given.forEach((select) => set(select, next));
    said.textContent = `${label}: ${WORDS[next]}`;
  };

  const button = (label, act) => {
    const made = document.createElement("button");
    made.type = "button";
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };

  selects.forEach((select) => {
    const made = button("", () => cycle([select], select.getAttribute("aria-label")));
    made.className = "bh-cell-button";
    made.append(select.previousElementSibling, document.createElement("span"));
    made.lastElementChild.className = "bh-wish";
    select.before(made);
    select.hidden = true;
    show(select);
  });

  const setting = (head, given) => {
    if (!given.length) return;
    const label = head.textContent.trim().replace(/\s+/g, " ");
    const made = button(`${label}: set for ${head.dataset.sets}`, () => cycle(given, label));
    made.className = "bh-head-button";
    made.title = `Set for ${head.dataset.sets}`;
    made.append(...head.childNodes);
    head.append(made);
  };
  table.tHead.querySelectorAll("th").forEach((head, column) => {
    if (head.dataset.sets) setting(head, selects.filter((each) => each.closest("td").cellIndex === column));
  });
  rows.forEach((row) => {
    const head = row.querySelector("th [data-sets]");
    if (head) setting(head, selects.filter((each) => each.closest("tr") === row));
  });

  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  table.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    const cell = event.target.closest("td, th");
    if (!step || !cell) return;
    let row = cell.closest("tr").rowIndex;
    let column = cell.cellIndex;
    let next = null;
    do {
      row += step[0];
      column += step[1];
      const there = table.rows[row]?.cells[column];
      if (!there) return;
      next = there.querySelector("button");
    } while (!next);
    event.preventDefault();
    next.focus();
  });
  addEventListener("pageshow", () => selects.forEach(show)); // the browser may have put back what was chosen
}
