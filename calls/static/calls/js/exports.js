// Keeps the list of exports current while one of them is open: asks every 1.5 s, and less often when nobody looks.

const EVERY_MS = 1_500;
const HIDDEN_MS = 10_000;

export function start(list) {
  if (!("open" in list.dataset)) {
    return;
  }
  const said = document.querySelector("[data-said]");
  const next = () => setTimeout(ask, document.hidden ? HIDDEN_MS : EVERY_MS);

  async function ask() {
    let exports = null;
    try {
      const answer = await fetch(list.dataset.status, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect") {
        return; // signed out, or no longer allowed: the next click says so
      }
      exports = answer.ok ? (await answer.json()).exports : null;
    } catch {
      exports = null; // the server is away: what is shown stays, and is asked for again
    }
    for (const one of exports ?? []) {
      const row = list.querySelector(`[data-export="${one.id}"]`);
      if (row) {
        show(row, one, said);
      }
    }
    if (exports === null || exports.some((one) => one.open)) {
      next();
    }
  }

  next();
}

function show(row, one, said) {
  const words = row.querySelector("[data-words]");
  const bar = row.querySelector("[data-bar]");
  words.textContent = one.words;
  words.classList.toggle("error", one.state === "failed");
  bar.hidden = !one.open;
  bar.max = one.expected || 1;
  bar.value = one.rows;
  const what = { done: one.state === "done", open: one.open, over: !one.open && one.state !== "done" };
  for (const part of row.querySelectorAll("[data-for]")) {
    part.hidden = !what[part.dataset.for];
  }
  if (row.dataset.state !== one.state && !one.open) {
    said.textContent = `${row.querySelector("th").textContent.trim()}: ${one.words}`;
  }
  row.dataset.state = one.state;
}
