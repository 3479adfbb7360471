// What was typed into a form outlives a session that ended before the form arrived: it stands there again after signing in.
//
// Kept in this tab only, from sending until the next page that is not the door. Never keys: no hidden or password field.

const KEY = "kept-form";
const DOOR = "/sign-in/";
const LIMIT = 200_000; // characters, of all fields; instructions have at most 32,000

export function start(form) {
  form.addEventListener("submit", () => {
    const fields = [...fieldsOf(form)].map((field) => [nameOf(field), valueOf(field)]);
    const kept = JSON.stringify({ path: location.pathname, fields });
    if (kept.length <= LIMIT) {
      sessionStorage.setItem(KEY, kept);
    }
  });
}

/** On every page: give the text back where one came through the door, else forget it. */
export function settle() {
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (!kept || location.pathname.startsWith(DOOR)) {
    return;
  }
  sessionStorage.removeItem(KEY);
  const form = document.querySelector("form[data-module~=keep]");
  if (!form || kept.path !== location.pathname || !throughTheDoor()) {
    return;
  }
  const values = new Map(kept.fields);
  for (const field of fieldsOf(form)) {
    if (values.has(nameOf(field))) {
      put(field, values.get(nameOf(field)));
    }
  }
  form.querySelector("[data-kept]").hidden = false;
}

function throughTheDoor() {
  return document.referrer !== "" && new URL(document.referrer).pathname.startsWith(DOOR);
}

function* fieldsOf(form) {
  for (const field of form.elements) {
    if (field.name && !/^(hidden|password|file|submit|button|radio|fieldset)$/.test(field.type)) {
      yield field;
    }
  }
}

// Boxes of one group share their name.
function nameOf(field) {
  return field.type === "checkbox" ? `${field.name}=${field.value}` : field.name;
}

function valueOf(field) {
  return field.type === "checkbox" ? field.checked : field.value;
}

function put(field, value) {
  if (field.type === "checkbox") {
    field.checked = value;
  } else {
    field.value = value;
  }
  // Whatever follows the field on its page hears of it as if it were typed.
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
