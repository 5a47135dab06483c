const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The names of the maps and fields that hold quantities, such as `limits: {memory: 1Gi}`. */
const QUANTITY_FIELDS = new Set(
  (
    "limits requests hard capacity allocatable default defaultRequest max min maxLimitRequestRatio " +
    "sizeLimit storage divisor podFixed"
  ).split(" "),
);

/** Whether values under `key` are quantities, which the API server respells (`1024Mi` comes back as `1Gi`). */
export function holdsQuantities(key: string): boolean {
  return QUANTITY_FIELDS.has(key);
}

/** Whether both texts, or numbers, are the same quantity. */
export function sameQuantity(a: string | number, b: string | number): boolean {
  const [left, right] = [parseQuantity(a), parseQuantity(b)];
  return (
    left !== undefined && right !== undefined && Math.abs(left - right) <= 1e-12 * Math.abs(left)
  );
}

function parseQuantity(quantity: string | number): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(
    String(quantity),
  );
  if (!match) return undefined;
  const [, mantissa = "", exponent = "", suffix = ""] = match;
  return Number(mantissa + exponent) * (FACTORS[suffix] ?? Number.NaN);
}
