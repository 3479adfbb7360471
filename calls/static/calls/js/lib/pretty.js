// JSON with indentation, token by token: no figure is rounded, no escape resolved. Mirrors calls/web/pretty.py. Pure.

const TOKEN = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Text that is no JSON comes back as it is. */
export function pretty(text) {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let depth = 0;
  let last = "";
  let out = "";
  const line = () => `\n${"  ".repeat(depth)}`;
  for (const token of text.match(TOKEN) ?? []) {
    if (token === "}" || token === "]") {
      depth -= 1;
      out += last === "{" || last === "[" ? token : line() + token;
    } else {
      out += last === "{" || last === "[" || last === "," ? line() + token : token;
      out += token === ":" ? " " : "";
      depth += token === "{" || token === "[" ? 1 : 0;
    }
    last = token;
  }
  return out;
}
