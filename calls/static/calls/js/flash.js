// A message of the last page can be put away; nothing disappears by itself while somebody reads it.

export function start(flash) {
  flash.querySelector("button").addEventListener("click", () => flash.remove());
}
