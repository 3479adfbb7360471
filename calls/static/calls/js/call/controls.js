// Posts what an operator asks for. A failed post keeps the text and says why at the control; nothing is retried alone.

import { bind, offer } from "../keys.js";
import { openModal } from "../dialogs.js";
import { attribute, part, show, text } from "../lib/dom.js";
import { isLive } from "../lib/faces.js";
import { timer } from "../lib/format.js";

const TIMEOUT_MS = 10_000;
const CSRF = /(?:^|; )(?:__Host-)?csrf=([^;]+)/;

export class Controls {
  #panel;
  #forms;
  #done;

  /** `done(command)`: the server took a command. */
  constructor(panel, done) {
    this.#panel = panel;
    this.#done = done;
    this.#forms = [...document.querySelectorAll("form[data-command]")];
    this.#forms.forEach((form) => form.addEventListener("submit", (event) => this.#submit(event, form)));
    const steer = document.querySelector("form[data-command=text]");
    const field = steer?.elements.text;
    // Keys only for what this call and this role can have.
    if (!panel || panel.dataset.denied) {
      return;
    }
    keepText(field);
    const write = (verb) => () => {
      const choice = steer?.querySelector(`input[value="${verb}"]`);
      if (choice && !choice.disabled) {
        choice.checked = true;
        field.focus();
      }
    };
    bind("ctrl enter", () => document.activeElement === field && steer.requestSubmit(), "Send what is written");
    bind("w", write("inform"), "Inform the model");
    bind("i", write("instruct"), "Instruct");
    bind("s", write("say"), "Say");
    bind(".", () => this.#button("stop_talking")?.click(), "Stop talking");
    bind(
      "x",
      () => {
        const dialog = document.getElementById("transfer");
        if (dialog && !document.querySelector("[data-opens=transfer]")?.disabled) {
          openModal(dialog);
        }
      },
      "Transfer…",
    );
    offer(() => document.querySelector("[popovertarget=hang-up]")?.click(), "Hang up…");
  }

  /** A control that this call cannot have now is disabled, and says why. Typed text stays. */
  paint(call) {
    const over = !isLive(call);
    const early = call.state === "ringing" || call.state === "accepted";
    const kept = over && written() !== "";
    const reason = kept ? "The call is over. What you wrote was not sent; it stays here." : over ? "The call is over." : early ? "The call is not answered yet." : "";
    if (!this.#panel) {
      return;
    }
    const denied = this.#panel.dataset.denied ?? "";
    text(this.#panel.querySelector("[data-reason]"), denied || reason);
    show(this.#panel.querySelector("[data-reason]"), Boolean(denied || reason));
    for (const button of document.querySelectorAll("[data-needs]")) {
      const moving = button.dataset.needs === "active" && call.state === "transferring";
      attribute(button, "disabled", denied || reason || moving ? "" : null);
      button.dataset.hint ??= button.title; // what the server wrote there comes back
      attribute(button, "title", denied || reason || (moving ? "A transfer is under way." : button.dataset.hint || null));
    }
    show(document.querySelector("[data-copy-text]"), kept);
    if (over) {
      document.querySelectorAll("dialog[data-command-dialog][open]").forEach((dialog) => dialog.close());
    }
  }

  /** The reader's role changed while the page is open. Typed text stays. */
  role({ role, steers }) {
    this.#panel?.toggleAttribute("data-denied", !steers);
    if (this.#panel && !steers) {
      this.#panel.dataset.denied = `Your role is now ${role}: you may watch this call, not steer it.`;
    }
  }

  get steers() {
    return !this.#panel?.dataset.denied;
  }

  /** The timer inside the dialogs. */
  tick(call, now) {
    document.querySelectorAll("dialog[open] [data-timer]").forEach((node) => text(node, timer(call, now)));
  }

  #button(verb) {
    return document.querySelector(`form[data-command="${verb}"] button[type=submit]`);
  }

  async #submit(event, form) {
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    if (button.disabled || form.dataset.busy !== undefined) {
      return;
    }
    form.dataset.busy = "";
    // The key says "the same command once more": what was changed since the last attempt is another one.
    const wanted = wants(form);
    if (form.dataset.tried !== undefined && form.dataset.tried !== wanted) {
      form.elements.key.value = newKey();
    }
    form.dataset.tried = wanted;
    [...form.elements].forEach((control) => attribute(control, "aria-invalid", null));
    text(form.querySelector("[data-error]"), "");
    const sent = form.elements.text?.value;
    const { command, problem } = await post(form);
    delete form.dataset.busy;
    if (problem) {
      text(form.querySelector("[data-error]"), problem.message);
      const wrong = problem.field ? form.elements[problem.field] : null;
      attribute(wrong instanceof Element ? wrong : null, "aria-invalid", "true");
      return;
    }
    form.elements.key.value = newKey();
    delete form.dataset.tried;
    // Words typed while the post was on its way stay.
    if (form.elements.text && form.elements.text.value === sent) {
      form.elements.text.value = "";
    }
    form.closest("dialog")?.close();
    this.#done(command);
  }
}

/** The button that saves what was written for a call that is over. */
function keepText(field) {
  const copy = document.querySelector("[data-copy-text]");
  copy?.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      text(part(copy, "words"), "Copied");
    } catch {
      field.select(); // no right to the clipboard: what is selected can be copied by hand
      text(part(copy, "words"), "Selected: copy it now");
    }
  });
}

/** What a form asks for, without what changes from page to page. */
function wants(form) {
  const body = new FormData(form);
  body.delete("key");
  body.delete("csrfmiddlewaretoken");
  return JSON.stringify([...body]);
}

/** A random UUID, also on pages without TLS, where crypto.randomUUID is missing. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** What is written and not sent yet. */
export function written() {
  return document.querySelector("form[data-command=text]")?.elements.text.value.trim() ?? "";
}

/** {command} or {problem: {message, field}}. The key stays until the server answered: sending again is the same command. */
async function post(form) {
  const token = CSRF.exec(document.cookie)?.[1];
  if (token) {
    form.elements.csrfmiddlewaretoken.value = token; // somebody may have signed in again in another tab
  }
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new FormData(form),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.type === "opaqueredirect") {
      return { problem: { message: "You are signed out. Sign in in another tab, then send again." } };
    }
    const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
    if (!isJson) {
      const message =
        answer.status === 403
          ? "This page is too old to send from. Copy your text, then reload."
          : `The server could not take it (${answer.status}). Your text is kept; send again.`;
      return { problem: { message } };
    }
    const body = await answer.json();
    if (answer.status === 404) {
      return { problem: { message: "This call is not yours to see any more: your role here was removed. Your text is kept." } };
    }
    return answer.ok ? { command: body } : { problem: body };
  } catch {
    return { problem: { message: "The server was not reached. Your text is kept; send again." } };
  }
}
