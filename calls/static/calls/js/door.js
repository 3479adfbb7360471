// The page for signing in is shown: whoever was signed in in other tabs may be so no more. Tells them to ask.

const KEY = "door";

export function start() {
  try {
    localStorage.setItem(KEY, String(Date.now()));
  } catch {
    // No storage here: the other tabs learn it from the server, within a minute.
  }
}

/** `ask()`: another tab of this browser is at the door. */
export function onDoor(ask) {
  window.addEventListener("storage", (event) => event.key === KEY && ask());
}
