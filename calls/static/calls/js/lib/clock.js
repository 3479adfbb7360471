// The server's time on this machine's clock, which may be wrong. Learns from heartbeats; never draws.

let offset = 0;
let samples = [];

export const clock = {
  /** A moment of the server that was just heard. The frame that travelled fastest tells best. */
  heard(iso) {
    const sample = Date.parse(iso) - Date.now();
    if (Number.isNaN(sample)) {
      return;
    }
    samples = [...samples.slice(-9), sample];
    offset = Math.max(...samples);
  },

  /** Milliseconds since 1970 by the server. */
  now() {
    return Date.now() + offset;
  },
};

/** Milliseconds from one ISO moment to another, or to now. */
export function span(start, end) {
  return (end ? Date.parse(end) : clock.now()) - Date.parse(start);
}
