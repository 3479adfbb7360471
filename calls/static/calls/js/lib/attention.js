// Why a call needs somebody: (row, now) → reasons, the worst first. Mirrors calls/domain/attention.py, which also says
// why each limit is what it is; limits and words are the server's. Pure.

const LIVE = ["ringing", "accepted", "active", "transferring"];
const RANK = { act: 0, warn: 1, note: 2 };

/** [{reason, severity, since}]; `table` is {limits, words, order}, `now` in milliseconds. */
export function needs(row, now, table, faults) {
  if (row.state === "lost" || (row.state === "ended" && faults.includes(row.end_reason))) {
    return [need("failed", "act", row.ended_at)];
  }
  if (!LIVE.includes(row.state)) {
    return [];
  }
  const { limits, order } = table;
  return [...line(row, now, limits), ...talk(row, now, limits)].sort(
    (a, b) => RANK[a.severity] - RANK[b.severity] || order.indexOf(a.reason) - order.indexOf(b.reason),
  );
}

/** At most eight words. */
export function wording({ reason, severity }, { words }) {
  return words[`${reason}.${severity}`] ?? words[reason];
}

/** Place in a list: act now, warning, everybody else. */
export function rank(one) {
  return one && one.severity !== "note" ? RANK[one.severity] : 2;
}

/** Seconds since the last event of a call that should have some; 0 for all others. */
export function newsAge(row, now) {
  const talking = row.state === "active" || row.state === "transferring";
  return talking ? seconds(row.last_event_at ?? row.answered_at, now) : 0;
}

function need(reason, severity, since) {
  return { reason, severity, since: since ?? null };
}

function seconds(iso, now) {
  return iso ? (now - Date.parse(iso)) / 1_000 : 0;
}

/** The connection, and who speaks on it. */
function line(row, now, limits) {
  const last = row.last_event_at ?? row.answered_at;
  if (row.state === "active" && row.attachment === "reattaching") {
    return [need("reattaching", "warn", last)];
  }
  const age = newsAge(row, now);
  if (age >= limits.news_warn) {
    return [need("no_news", age >= limits.news_act ? "act" : "warn", last)];
  }
  const found = age >= limits.news_note ? [need("no_news", "note", last)] : [];
  const quiet = row.state === "active" ? seconds(row.quiet_since, now) : 0;
  if (quiet >= limits.silence_warn) {
    found.push(need("silence", quiet >= limits.silence_act ? "act" : "warn", row.quiet_since));
  }
  return found;
}

/** What was said and done. A confirmed command of an operator counts as help for what was before it. */
function talk(row, now, limits) {
  const fresh = (at, within) =>
    Boolean(at) && seconds(at, now) < within && (!row.helped_at || Date.parse(at) > Date.parse(row.helped_at));
  const found = [];
  if (fresh(row.asked_for_person_at, limits.asked_for)) {
    found.push(need("asked", "act", row.asked_for_person_at));
  }
  if (fresh(row.tool_failed_at, limits.tool_for)) {
    found.push(need("tool", "act", row.tool_failed_at));
  }
  if (fresh(row.unconfirmed_at, limits.unconfirmed_for)) {
    found.push(need("unconfirmed", "warn", row.unconfirmed_at));
  }
  if (row.interruptions >= limits.interruptions && fresh(row.interrupted_at, limits.interruptions_for)) {
    found.push(need("interruptions", "warn", row.interrupted_at));
  }
  if (row.reply_ms >= limits.slow_ms) {
    found.push(need("slow", "warn", null));
  }
  return found;
}
