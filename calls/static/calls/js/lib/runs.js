// Which of some numbered things may stay where they are when all are put in order. Pure.

/** The indexes of a longest ascending run in `places` (distinct numbers), in O(n log n). */
export function longestRun(places) {
  const ends = []; // index of the smallest end of a run of each length
  const before = new Array(places.length);
  places.forEach((place, index) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places[ends[middle]] < place) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    before[index] = low > 0 ? ends[low - 1] : -1;
    ends[low] = index;
  });
  const run = new Set();
  for (let index = ends.at(-1) ?? -1; index !== -1; index = before[index]) {
    run.add(index);
  }
  return run;
}
