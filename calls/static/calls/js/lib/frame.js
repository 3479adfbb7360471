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
