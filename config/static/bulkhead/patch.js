// Checks a JSON merge patch while it is written: numbers its lines and says what is wrong at which.
// Without this file the text is checked when it is sent.

const PAUSE = 400; // milliseconds without a key

for (const frame of document.querySelectorAll("[data-patch-check]")) {
  const text = frame.querySelector("textarea");
  const list = document.getElementById("patch-problems");
  const gutter = document.createElement("div");
  const numbers = document.createElement("div");
  let waiting = 0;
  let asked = null;

  gutter.className = "bh-gutter";
  gutter.setAttribute("aria-hidden", "true");
  gutter.append(numbers);
  frame.classList.add("bh-numbered");
  frame.prepend(gutter);
  text.wrap = "off";

  const lines = (problems) => {
    const wrong = new Map(problems.map((each) => [each.line, each.blocks]));
    const count = text.value.split("\n").length;
    numbers.replaceChildren(
      ...Array.from({ length: count }, (_, index) => {
        const line = document.createElement("span");
        line.textContent = index + 1;
        if (wrong.has(index + 1)) line.className = wrong.get(index + 1) ? "bh-wrong" : "bh-doubtful";
        return line;
      }),
    );
    gutter.scrollTop = text.scrollTop;
  };

  const go = (line, column) => {
    const before = text.value.split("\n").slice(0, line - 1);
    const start = before.reduce((length, each) => length + each.length + 1, 0) + column - 1;
    text.focus();
    text.setSelectionRange(start, start);
  };

  const show = (problems) => {
    lines(problems);
    list.replaceChildren(
      ...problems.map((each) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        item.className = each.blocks ? "bh-error" : "bh-flag";
        button.type = "button";
        button.textContent = `Line ${each.line}, column ${each.column}: ${each.message}`;
        button.addEventListener("click", () => go(each.line, each.column));
        item.append(button);
        return item;
      }),
    );
    text.setAttribute("aria-invalid", String(problems.some((each) => each.blocks)));
  };

  const check = async () => {
    asked?.abort();
    asked = new AbortController();
    const body = new FormData();
    body.append("text", text.value);
    body.append("types", frame.dataset.types);
    body.append("csrfmiddlewaretoken", text.form.elements.csrfmiddlewaretoken.value);
    try {
      const answer = await fetch(frame.dataset.patchCheck, { method: "POST", body, signal: asked.signal });
      if (answer.ok) show((await answer.json()).problems);
    } catch (error) {
      if (error.name !== "AbortError") show([]); // no answer: it is checked when it is sent
    }
  };

  text.addEventListener("input", () => {
    lines([]);
    clearTimeout(waiting);
    waiting = setTimeout(check, PAUSE);
  });
  text.addEventListener("scroll", () => {
    gutter.scrollTop = text.scrollTop;
  });
  lines([]);
  if (text.value.trim() !== "{}") check();
}
