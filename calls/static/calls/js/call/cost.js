// What a call cost so far, from its usage and the page's prices, in whole numbers; mirrors calls/domain/prices.py. Pure.

const TOKENS = ["text", "audio", "image"];
/** Of a second: the precision of the provider's seconds, as the product stores them. */
const MILLI = 1_000n;

/**
 * {bills, amount, estimated, missing, unpriced}: amounts in whole parts of which `scale` make a dollar; `unpriced` has,
 * by model, the buckets without a price.
 */
export function costOf(usage, prices) {
  const cost = { bills: 0, amount: 0n, estimated: 0n, missing: 0, unpriced: new Map(), scale: 10n ** BigInt(prices.places) * MILLI };
  let priced = false;
  for (const one of usage) {
    cost.bills += 1;
    if (!one.complete) {
      cost.missing += 1;
      continue;
    }
    const units = prices.models[one.model];
    for (const [name, count] of quantities(one)) {
      if (count === 0n) {
        continue;
      }
      if (units?.[name] === undefined) {
        cost.unpriced.set(one.model, (cost.unpriced.get(one.model) ?? new Set()).add(name));
        continue;
      }
      priced = true;
      cost[one.split_known ? "amount" : "estimated"] += count * BigInt(units[name]);
    }
  }
  cost.known = priced || !(cost.missing || cost.unpriced.size);
  return cost;
}

/** Thousandths of tokens and of seconds, by bucket. */
function* quantities(one) {
  for (const kind of TOKENS) {
    const cached = one[`cached_${kind}`] ?? 0;
    yield [`fresh_${kind}`, BigInt((one[`input_${kind}`] ?? 0) - cached) * MILLI];
    yield [`cached_${kind}`, BigInt(cached) * MILLI];
  }
  yield ["output_text", BigInt(one.output_text ?? 0) * MILLI];
  yield ["output_audio", BigInt(one.output_audio ?? 0) * MILLI];
  yield ["time", BigInt(Math.round((one.seconds ?? 0) * 1_000))];
}

/** `$0.0312`, and cents from one dollar on; halves away from zero. */
export function money(amount, scale) {
  const places = amount >= scale ? 2 : 4;
  const unit = scale / 10n ** BigInt(places);
  const rounded = (amount + unit / 2n) / unit;
  const whole = rounded / 10n ** BigInt(places);
  const rest = String(rounded % 10n ** BigInt(places)).padStart(places, "0");
  return `$${whole.toLocaleString("en-GB")}.${rest}`;
}

/** One figure that says where it is none: `≈ ` with estimates, `+` with parts unknown. */
export function costWords(cost) {
  if (cost.bills === 0) {
    return "no data";
  }
  if (!cost.known) {
    return "unknown";
  }
  const unknown = cost.missing > 0 || cost.unpriced.size > 0;
  return `${cost.estimated ? "≈ " : ""}${money(cost.amount + cost.estimated, cost.scale)}${unknown ? " +" : ""}`;
}

/** Why the figure is not the whole truth. */
export function costNotes(cost) {
  const said = [];
  if (cost.estimated) {
    said.push(`${money(cost.estimated, cost.scale)} of it is estimated: the provider gave sums without their parts.`);
  }
  if (cost.missing) {
    said.push(`Without ${cost.missing} replies or transcriptions whose figures never came.`);
  }
  if (cost.unpriced.size > 0) {
    const parts = [...cost.unpriced.keys()].sort().map((model) => {
      const names = [...cost.unpriced.get(model)].map((name) => name.replace("_", " ")).sort();
      return `${model || "no model named"} (${names.join(", ")})`;
    });
    said.push(`Without ${parts.join(", ")}: no price is known.`);
  }
  return said.join(" ");
}
