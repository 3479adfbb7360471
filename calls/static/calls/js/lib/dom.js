// Writes text and attributes where they changed, and keeps keyed lists. Never builds markup from text.

import { longestRun } from "./runs.js";

/** The page's own data, as the server wrote it. */
export function pageData(id) {
  const block = document.getElementById(id);
  return block ? JSON.parse(block.textContent) : null;
}

/** A new copy of the first element of a `<template>`. */
export function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** The part of `node` marked with `data-f="name"`; looked up once. */
const parts = new WeakMap();
export function part(node, name) {
  let known = parts.get(node);
  if (!known) {
    parts.set(node, (known = new Map()));
  }
  if (!known.has(name)) {
    known.set(name, node.querySelector(`[data-f="${name}"]`));
  }
  return known.get(name);
}

/** Put text into an element through its one text node. */
export function text(element, value) {
  if (!element) {
    return;
  }
  const only = element.firstChild;
  if (only === null) {
    element.append(String(value));
  } else if (only.nodeType !== Node.TEXT_NODE || only.nextSibling) {
    element.textContent = String(value);
  } else if (only.data !== String(value)) {
    only.data = String(value);
  }
}

export function attribute(element, name, value) {
  if (!element) {
    return;
  }
  if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, String(value));
  }
}

export function show(element, visible) {
  if (element && element.hidden === visible) {
    element.hidden = !visible;
  }
}

/** Point a badge's `<use>` at another symbol of the sprite; looked up once. */
const uses = new WeakMap();
export function icon(element, name) {
  if (element && !uses.has(element)) {
    uses.set(element, element.querySelector("use"));
  }
  attribute(uses.get(element), "href", `#i-${name}`);
}

/** Bring `parent`'s children into the order of `nodes`, moving as few as possible: moving costs layout and focus. */
export function arrange(parent, nodes) {
  const children = [...parent.children];
  if (children.length === nodes.length && children.every((child, index) => child === nodes[index])) {
    return;
  }
  const wanted = new Set(nodes);
  children.filter((child) => !wanted.has(child)).forEach((child) => child.remove());
  const places = new Map([...parent.children].map((child, index) => [child, index]));
  const there = nodes.filter((node) => places.has(node));
  const run = longestRun(there.map((node) => places.get(node)));
  const stays = new Set(there.filter((_, index) => run.has(index)));
  let next = null;
  for (const node of [...nodes].reverse()) {
    if (!stays.has(node)) {
      parent.insertBefore(node, next);
    }
    next = node;
  }
}

/** Whether keys typed now belong to a field or a dialog, not to the page. */
export function typing(event) {
  const inField = event.target.closest?.("input, textarea, select, [contenteditable]");
  const radioOnly = inField?.matches("input[type=radio], input[type=checkbox]");
  return Boolean((inField && !radioOnly) || document.querySelector("dialog[open]"));
}
