// One flush per animation frame however many frames of the feed arrived; the last state wins.

export function oncePerFrame(flush) {
  let due = false;
  return () => {
    if (!due) {
      due = true;
      requestAnimationFrame(() => {
        due = false;
        flush();
      });
    }
  };
}

/** The same, at most once in `every` milliseconds: the first at once, what comes meanwhile together. */
export function fewTimes(flush, every) {
  let last = -Infinity;
  const frame = oncePerFrame(() => {
    last = performance.now();
    due = false;
    flush();
  });
  let due = false;
  return () => {
    if (!due) {
      due = true;
      const wait = last + every - performance.now();
      wait > 0 ? setTimeout(frame, wait) : frame();
    }
  };
}
