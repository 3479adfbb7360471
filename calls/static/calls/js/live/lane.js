// Who had the floor in the last minute, as far as this page has seen it: the caller above, the agent below.

const WINDOW_S = 60;
const LANES = { listening: "caller", speaking: "agent" };

/** Pieces of one call: [{lane, from, to}], times in milliseconds, the last one still open. */
export class Talk {
  #pieces = [];
  #floor = null;

  /** `live`: the call still runs, so the floor is somebody's. */
  note(floor, live, now) {
    const next = live ? (LANES[floor] ?? null) : null;
    if (next === this.#floor) {
      return;
    }
    const last = this.#pieces.at(-1);
    if (last && last.to === null) {
      last.to = now;
    }
    if (next) {
      this.#pieces.push({ lane: next, from: now, to: null });
    }
    this.#floor = next;
  }

  /** Path data of one lane in a box of 60 × 14, right edge = now. */
  path(lane, now) {
    const start = now - WINDOW_S * 1_000;
    this.#pieces = this.#pieces.filter((piece) => piece.to === null || piece.to > start);
    const top = lane === "caller" ? 0.5 : 8;
    return this.#pieces
      .filter((piece) => piece.lane === lane)
      .map((piece) => {
        const left = Math.max(0, (piece.from - start) / 1_000);
        const width = Math.max(0.6, ((piece.to ?? now) - start) / 1_000 - left);
        return `M${left.toFixed(1)} ${top}h${width.toFixed(1)}v5.5h${(-width).toFixed(1)}z`;
      })
      .join("");
  }
}
