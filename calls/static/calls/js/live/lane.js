// Who spoke in the last minute: the caller above, the agent below. Goes on from the pieces that the server knew;
// mirrors calls/web/lane.py.

const WINDOW_S = 60;
const TOPS = { caller: 0.5, agent: 8 };
const SHORTEST = 0.6;
const BREATH_MS = 1_000;

/** Pieces of one call: [{lane, from, to}], times in milliseconds, the last one perhaps still open. */
export class Talk {
  #pieces = [];

  /** `spans`: [speaker, start, end or null] as the server's snapshot has them. */
  constructor(spans = []) {
    this.#pieces = spans.map(([lane, start, end]) => ({ lane, from: Date.parse(start), to: end && Date.parse(end) }));
  }

  /** Take what the row says now. */
  note(row, now) {
    const next = speaker(row);
    const open = this.#pieces.filter((piece) => piece.to === null);
    if (open.length < 2 && (open[0]?.lane ?? null) === next) {
      return;
    }
    open.forEach((piece) => (piece.to = now));
    const last = this.#pieces.at(-1);
    if (next && last?.lane === next && now - last.to < BREATH_MS) {
      // A reply that the server counted as over may still be played: the same piece goes on.
      last.to = null;
    } else if (next) {
      this.#pieces.push({ lane: next, from: now, to: null });
    }
  }

  /** Path data of one lane in a box of 60 × 14, right edge = now. */
  path(lane, now) {
    const start = now - WINDOW_S * 1_000;
    if (this.#pieces.length && this.#pieces[0].to !== null && this.#pieces[0].to <= start) {
      this.#pieces = this.#pieces.filter((piece) => piece.to === null || piece.to > start);
    }
    let data = "";
    for (const piece of this.#pieces) {
      if (piece.lane === lane) {
        const left = Math.max(0, (piece.from - start) / 1_000);
        const width = Math.max(SHORTEST, Math.min(WINDOW_S, ((piece.to ?? now) - start) / 1_000) - left);
        data += `M${left.toFixed(1)} ${TOPS[lane]}h${width.toFixed(1)}v5.5h${(-width).toFixed(1)}z`;
      }
    }
    return data;
  }
}

function speaker(row) {
  if (row.state !== "active") {
    return null;
  }
  if (row.floor === "speaking") {
    return "agent";
  }
  return row.floor === "listening" && !row.quiet_since ? "caller" : null;
}
