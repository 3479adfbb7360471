// Changes theme, density and keys in place, so that a half-typed line is kept; the forms alone work too.

import { attribute } from "./lib/dom.js";
import { toast } from "./toast.js";

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
    if (!(await stored(form.action, body))) {
      toast("This page has the look now, but it could not be kept: you are offline or signed out.", "warn");
    }
  });
}

/** False where nobody keeps it: offline, or signed out, which is a redirect to the door. */
async function stored(address, body) {
  try {
    const headers = { Accept: "application/json" };
    return (await fetch(address, { method: "POST", headers, body, redirect: "manual" })).ok;
  } catch {
    return false;
  }
}
