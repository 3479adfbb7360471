// The page's only WebSocket: follows streams, keeps their states, tells its listeners. Never draws anything.

import { open, reduce, unknown } from "./reduce.js";
import { onDoor } from "../door.js";
import { clock } from "../lib/clock.js";

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MOST_MS = 8_000;
const SILENCE_MS = 25_000;
const ACK_MS = 5_000;
// Well below the 200 frames after which the server leaves out the hints of a page that seems not to keep up.
const ACK_FRAMES = 50;
const HELLO_WAIT_MS = 4_000;

/** Close codes after which trying again is pointless, with what a person reads. */
const FINAL = {
  4400: "The server did not understand this page. Reload it.",
  4401: "Signed out. Sign in again to go on.",
  4403: "Your role here was removed.",
  4404: "This tenant is no longer there.",
};

export class Feed {
  #path;
  #states = new Map();
  #listeners = new Set();
  #socket = null;
  #attempt = 0;
  #retry = 0;
  #opened = 0;
  #lastAck = 0;
  #unacked = 0;
  #helloAt = 0;
  #watchdog = 0;
  #pieces = [];

  /** Age of the last frame is counted from here; 0 before the first one. */
  lastFrameAt = 0;
  /** connecting, live, waiting (to try again), closed (for good) */
  phase = "connecting";
  sentence = "";

  constructor(path) {
    this.#path = path;
  }

  /** `first`: the snapshot that the server wrote into the page. */
  follow(first) {
    this.#states.set(first.stream, open(first));
    this.lastFrameAt = performance.now();
  }

  state(stream) {
    return this.#states.get(stream);
  }

  /** Let a pure function of ours (pruning) change a state that no frame changed. */
  amend(stream, change) {
    this.#states.set(stream, change(this.#states.get(stream)));
    return this.#states.get(stream);
  }

  /** `listener({stream, state, frame})` after every frame that changed something; without a stream: the phase or `role` did. */
  listen(listener) {
    this.#listeners.add(listener);
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#wake());
    window.addEventListener("online", () => this.#wake());
    // The server judges at the handshake; positions are kept, so a needless one costs nothing.
    onDoor(() => this.phase !== "closed" && this.#connect());
    window.addEventListener("pageshow", (event) => event.persisted && this.#wake());
    // An open socket would keep the page out of the browser's back-forward cache.
    window.addEventListener("pagehide", () => this.#drop());
    this.#watchdog = setInterval(() => this.#watch(), 1_000);
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#drop();
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#pieces = [];
    this.#opened = performance.now();
    socket.addEventListener("open", () => this.#hello());
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(event.data));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** The page is looked at again, or the network is back: no waiting for a timer. */
  #wake() {
    if (this.phase === "closed" || document.visibilityState !== "visible") {
      return;
    }
    const silent = performance.now() - this.lastFrameAt > ACK_MS;
    const young = this.#socket?.readyState === WebSocket.CONNECTING && performance.now() - this.#opened < ACK_MS;
    if (!young && (this.#socket?.readyState !== WebSocket.OPEN || silent)) {
      this.#connect();
    }
  }

  #watch() {
    const quietSince = Math.max(this.lastFrameAt, this.#opened);
    if (this.#socket && performance.now() - quietSince > SILENCE_MS) {
      this.#drop();
      this.#closed(1006);
    }
  }

  #hello() {
    this.#helloAt = performance.now();
    const streams = [...this.#states.values()]
      .filter((state) => !state.gone)
      .map(({ stream, epoch, seq, known }) => (known ? { stream, epoch, seq } : { stream }));
    this.#send({ type: "hello", streams });
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(frame));
    }
  }

  #receive(data) {
    let frame = JSON.parse(data);
    const now = performance.now();
    this.lastFrameAt = now;
    this.#attempt = 0;
    this.#phase("live");
    // On the frame, not on a timer: browsers slow down the timers of hidden pages to one a minute.
    this.#unacked += 1;
    if (now - this.#lastAck >= ACK_MS || this.#unacked >= ACK_FRAMES) {
      this.#lastAck = now;
      this.#unacked = 0;
      this.#send({ type: "ack" });
    }
    if (frame.type === "piece") {
      this.#pieces.push(frame.text);
      if (frame.left > 0) {
        return;
      }
      frame = JSON.parse(this.#pieces.join(""));
      this.#pieces = [];
    }
    if (frame.type === "heartbeat") {
      clock.heard(frame.at);
      this.#compare(frame.heads ?? {});
    } else if (frame.type === "role") {
      this.#tell({ role: frame });
    } else if (frame.stream !== undefined) {
      this.#advance(frame);
    }
  }

  #advance(frame) {
    const before = this.#states.get(frame.stream) ?? unknown(frame.stream);
    const state = reduce(before, frame);
    if (frame.type === "snapshot" || frame.type === "events") {
      this.#helloAt = 0;
    }
    if (state === before) {
      return;
    }
    this.#states.set(frame.stream, state);
    if (state.hole && !before.hole) {
      this.#resync();
    }
    this.#tell({ stream: frame.stream, state, frame });
  }

  #compare(heads) {
    const behind = Object.entries(heads).some(([stream, head]) => head > (this.#states.get(stream)?.seq ?? Infinity));
    if (behind) {
      this.#resync();
    }
  }

  /** Ask again from our positions, unless the answer to the last hello is still on its way. */
  #resync() {
    if (this.#helloAt === 0 || performance.now() - this.#helloAt > HELLO_WAIT_MS) {
      this.#hello();
    }
  }

  #closed(code) {
    this.#socket = null;
    if (code in FINAL) {
      clearInterval(this.#watchdog);
      this.#phase("closed", FINAL[code]);
      return;
    }
    this.#attempt += 1;
    this.#phase("waiting");
    // Full jitter: after a restart a thousand pages must not come back at the same moment.
    const most = Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** (this.#attempt - 1));
    const wait = code === 4429 ? BACKOFF_MOST_MS : Math.random() * most;
    this.#retry = setTimeout(() => this.#connect(), wait);
    if (this.#attempt === 3) {
      this.#ask();
    }
  }

  /** A handshake that is refused tells no reason: ask for the page itself, which redirects those signed out. */
  async #ask() {
    try {
      const answer = await fetch(location.href, { method: "HEAD", redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") {
        clearTimeout(this.#retry);
        this.#drop();
        this.#phase("closed", FINAL[4401]);
      } else if (answer.status === 404) {
        clearTimeout(this.#retry);
        this.#phase("closed", FINAL[4404]);
      }
    } catch {
      // No network either: the next try will tell.
    }
  }

  #phase(phase, sentence = "") {
    if (phase !== this.phase || sentence !== this.sentence) {
      this.phase = phase;
      this.sentence = sentence;
      this.#tell({});
    }
  }

  #tell(news) {
    this.#listeners.forEach((listener) => listener(news));
  }
}
