// The Session tab: shows what is in force, leaves alone what somebody is changing. Mirrors calls/web/session_panel.py.

import { attribute, pageData, show } from "../lib/dom.js";
import { words } from "../lib/faces.js";

export class SessionForm {
  #form;
  #shown = {};

  constructor(form) {
    this.#form = form;
    form?.addEventListener("input", () => this.#fit());
    for (const control of form?.querySelectorAll("[data-now]") ?? []) {
      this.#shown[control.dataset.now] = control.value;
    }
  }

  paint(state, steers) {
    const form = this.#form;
    if (!form) {
      return;
    }
    for (const control of form.querySelectorAll("[data-now]")) {
      const name = control.dataset.now;
      const value = asField(state.session?.[name]);
      if (state.session && this.#shown[name] !== value) {
        // What nobody has touched follows the call; what somebody is changing is theirs.
        if (control.value === this.#shown[name]) {
          choose(control, value);
        }
        this.#shown[name] = value;
      }
      attribute(control, "disabled", name === "model" || !steers || (name === "voice" && spoke(state)) ? "" : null);
    }
    show(form.querySelector("[data-voice-why]"), spoke(state));
    show(form.querySelector("[data-unknown]"), !state.session);
    this.#fit();
  }

  /** Only the settings of the chosen detection are shown. */
  #fit() {
    const kind = this.#form.elements.turn_detection.value;
    for (const part of this.#form.querySelectorAll("[data-of]")) {
      show(part, part.dataset.of === kind);
    }
  }
}

/** Where the session in force is not what the agent is set to. */
export class Differences {
  #card;
  #own = pageData("published");

  constructor(card) {
    this.#card = card;
  }

  paint(state) {
    const found = differences(state, this.#own);
    const list = this.#card.querySelector("[data-differences]");
    list.replaceChildren(...found.map(([label, own, now]) => pair(label, own, now)));
    show(this.#card, found.length > 0);
  }
}

export function differences(state, own) {
  const found = [];
  const { labels, replaced } = words.session;
  if (!own?.model) {
    return found;
  }
  if ([...state.commands.values()].some((one) => one.verb === "instruct" && one.state === "confirmed")) {
    found.push([replaced, "published", "replaced in this call"]);
  }
  const now = state.session ?? own;
  for (const [name, label] of Object.entries(labels)) {
    if (own[name] !== null && own[name] !== now[name]) {
      found.push([label, setting(own[name]), setting(now[name])]);
    }
  }
  return found;
}

function pair(label, own, now) {
  const row = document.createElement("div");
  const [term, value, was] = ["dt", "dd", "s"].map((name) => document.createElement(name));
  was.className = "muted";
  was.append(own);
  term.append(label);
  value.append(was, ` ${now}`);
  row.append(term, value);
  return row;
}

function setting(value) {
  return value === null || value === undefined ? "not set" : value === true ? "on" : value === false ? "off" : String(value);
}

function asField(value) {
  return value === null || value === undefined ? "" : value === true ? "on" : value === false ? "off" : String(value);
}

function choose(control, value) {
  if (control instanceof HTMLSelectElement && value && ![...control.options].some((one) => one.value === value)) {
    control.add(new Option(value, value));
  }
  control.value = value;
}

function spoke(state) {
  return [...state.turns.values()].some((turn) => turn.kind === "message" && turn.speaker === "agent");
}
