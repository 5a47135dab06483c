/** The differences between two JSON bodies, each with its path; empty if values and key order are the same. */
export function jsonDifferences(sent: string, received: string): string[] {
  let before: unknown;
  let after: unknown;
  try {
    before = JSON.parse(sent);
    after = JSON.parse(received);
  } catch {
    return ["it is not JSON any more"];
  }
  const found: string[] = [];
  compare(before, after, "", found);
  return found;
}

type Fields = Readonly<Record<string, unknown>>;

function compare(before: unknown, after: unknown, at: string, found: string[]): void {
  if (Array.isArray(before) && Array.isArray(after)) {
    if (before.length !== after.length) {
      found.push(`${at} has ${after.length} entries instead of ${before.length}`);
      return;
    }
    before.forEach((item, index) => {
      compare(item, after[index], `${at}[${index}]`, found);
    });
  } else if (isObject(before) && isObject(after)) {
    const place = (key: string) => (at === "" ? key : `${at}.${key}`);
    const shared = Object.keys(before).filter((key) => key in after);
    for (const key of Object.keys(before))
      if (!(key in after)) found.push(`${place(key)} is missing`);
    for (const key of Object.keys(after)) if (!(key in before)) found.push(`${place(key)} is new`);
    const order = Object.keys(after).filter((key) => key in before);
    if (shared.join("\0") !== order.join("\0")) {
      found.push(`${at === "" ? "the body" : at} has its keys in another order`);
    }
    for (const key of shared) compare(before[key], after[key], place(key), found);
  } else if (!Object.is(before, after) || typeof before !== typeof after) {
    found.push(`${at} became ${JSON.stringify(after).slice(0, 60)}`);
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A canonical form of a JSON number's exact value: `1e3` and `1000.0` give the same text. */
export function exactNumber(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text.trim()) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return whole === "" ? `not a number: ${text}` : "0";
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}
