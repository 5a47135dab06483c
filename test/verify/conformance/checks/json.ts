/** What became of a JSON body on its way, told by places; empty when value and order of keys are the same. */
export function jsonDifferences(sent: string, received: string): string[] {
  let before: unknown;
  let after: unknown;
  try {
    before = JSON.parse(sent);
    after = JSON.parse(received);
  } catch {
    return ["it is no JSON any more"];
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
    for (const key of Object.keys(before)) if (!(key in after)) found.push(`${place(key)} is gone`);
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

/** The exact value of a number as JSON writes it, the same for every way to write it: `1e3` and `1000.0` are one. */
export function exactNumber(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text.trim()) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return whole === "" ? `no number: ${text}` : "0";
  const power = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign}${significant}e${power}`;
}
