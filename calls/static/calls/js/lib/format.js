// Figures and times for people; the same formats as templatetags/calls_tags.py. Pure.

/** `4:12` or `1:04:12` */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  const two = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `620 ms`, `1.62 s`, `1:04`: one unit per size, never mixed */
export function took(ms) {
  if (ms === null || ms === undefined) {
    return "";
  }
  if (ms < 1_000) {
    return `${Math.round(Math.max(0, ms))} ms`;
  }
  return ms < 60_000 ? `${(ms / 1_000).toFixed(2)} s` : clockText(ms / 1_000);
}

/** `0.4 s`, `12 s`, `3 min` */
export function age(seconds) {
  if (seconds < 10) {
    return `${Math.max(0, seconds).toFixed(1)} s`;
  }
  return seconds < 120 ? `${Math.floor(seconds)} s` : `${Math.floor(seconds / 60)} min`;
}

/** `4 s`, `12 s`, `3 min`: for what is counted up each second */
export function wholeAge(seconds) {
  return seconds < 120 ? `${Math.max(0, Math.floor(seconds))} s` : `${Math.floor(seconds / 60)} min`;
}

/** How long a call rings, runs or ran, at `now` (milliseconds). */
export function timer(row, now) {
  const end = row.ended_at ? Date.parse(row.ended_at) : now;
  return clockText((end - Date.parse(row.answered_at ?? row.started_at)) / 1_000);
}
