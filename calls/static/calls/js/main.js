// Starts the behaviour of every element that names one; an element that is absent costs nothing.

import { start as startAwaiting } from "./awaiting.js";
import { start as startCall } from "./call/page.js";
import { start as startCommands } from "./commands.js";
import { start as startCopy } from "./copy.js";
import { start as startCounts } from "./counts.js";
import { start as startDialogs } from "./dialogs.js";
import { start as startDoor } from "./door.js";
import { start as startExports } from "./exports.js";
import { start as startFlash } from "./flash.js";
import { start as startGuide } from "./guide.js";
import { start as startHistory } from "./history.js";
import { start as startKeep, settle as settleKept } from "./keep.js";
import { start as startKeyList } from "./key_list.js";
import { start as startKeys } from "./keys.js";
import { start as startLive } from "./live/page.js";
import { start as startOnce } from "./once.js";
import { start as startPreference } from "./preference.js";

const MODULES = {
  awaiting: startAwaiting,
  call: startCall,
  commands: startCommands,
  copy: startCopy,
  counts: startCounts,
  dialogs: startDialogs,
  door: startDoor,
  exports: startExports,
  flash: startFlash,
  guide: startGuide,
  history: startHistory,
  keep: startKeep,
  keys: startKeys,
  key_list: startKeyList,
  live: startLive,
  once: startOnce,
  preference: startPreference,
};

// Django's own admin looks different from the first line on: nothing to fade over, and Chromium complains if it tries.
window.addEventListener("pageswap", ({ activation, viewTransition }) => {
  // No entry: where one goes is not for this page to know.
  const next = activation?.entry?.url;
  if (viewTransition && next && new URL(next).pathname.startsWith("/admin/")) {
    viewTransition.ready.catch(() => undefined);
    viewTransition.skipTransition();
  }
});

for (const element of document.querySelectorAll("[data-module]")) {
  for (const name of element.dataset.module.split(" ")) {
    MODULES[name]?.(element);
  }
}
settleKept();
document.documentElement.dataset.ready = "";
