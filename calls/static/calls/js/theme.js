// Changes the theme in place, so that a half-typed line is kept; the form alone works too.

export function start(form) {
  form.addEventListener("submit", async (event) => {
    const { value } = event.submitter ?? {};
    if (!value) {
      return;
    }
    event.preventDefault();
    document.documentElement.dataset.theme = value;
    for (const button of form.querySelectorAll("button[name=theme]")) {
      button.setAttribute("aria-pressed", String(button.value === value));
    }
    const body = new FormData(form);
    body.set("theme", value);
    // Not stored (offline, signed out): this page keeps the look, the next one shows what is stored.
    await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => undefined);
  });
}
