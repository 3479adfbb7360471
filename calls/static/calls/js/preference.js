// Changes theme, density and keys in place, so that a half-typed line is kept; the forms alone work too.

import { attribute } from "./lib/dom.js";

// The attribute of <html> which each of them is.
const ATTRIBUTES = { theme: "data-theme", density: "data-density", letter_keys: "data-letters" };

export function start(form) {
  form.addEventListener("submit", async (event) => {
    const { name, value } = event.submitter ?? {};
    if (!(name in ATTRIBUTES)) {
      return;
    }
    event.preventDefault();
    attribute(document.documentElement, ATTRIBUTES[name], value);
    for (const button of form.querySelectorAll(`button[name=${name}]`)) {
      attribute(button, "aria-pressed", String(button.value === value));
    }
    const body = new FormData(form);
    body.set(name, value);
    // Not stored (offline, signed out): this page keeps the look, the next one shows what is stored.
    await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => undefined);
  });
}
