// Turns lines of Envoy's record into sums by day, agent and model. Money is counted in whole nano-dollars, so that sums
// are exact in any order.

const NANO = 1_000_000_000;

/** What a sum is made of. */
const SUMS = [
  "requests",
  "refused",
  "estimated",
  "unmetered",
  "input",
  "output",
  "cacheRead",
  "cacheWrite5m",
  "cacheWrite1h",
  "costNanoUsd",
];

/** The model of a request whose answer named none: refused, failed, or on a route without a model. */
export const NO_MODEL = "unknown";

/**
 * Reads a line. Returns the day on which the request ended, in UTC, and what it adds. Returns undefined if it is no line
 * of the record. What is left of a line that was cut off may stand before a whole line.
 */
export function readLine(text) {
  return parsed(text) ?? parsed(text.slice(Math.max(0, text.lastIndexOf('{"'))));
}

function parsed(text) {
  let line;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  const end = new Date(Date.parse(line?.time) + whole(line?.duration_ms));
  if (Number.isNaN(end.getTime()) || typeof line.agent !== "string") return undefined;
  return {
    day: dayOf(end),
    agent: line.agent,
    model: typeof line.model === "string" && line.model !== "" ? line.model : NO_MODEL,
    sums: {
      requests: 1,
      refused: String(line.flags ?? "")
        .split(",")
        .includes("RL")
        ? 1
        : 0,
      estimated: line.estimated === true ? 1 : 0,
      unmetered: line.metering === "unmetered" ? 1 : 0,
      input: whole(line.input_tokens),
      output: whole(line.output_tokens),
      cacheRead: whole(line.cache_read_tokens),
      cacheWrite5m: whole(line.cache_write_5m_tokens),
      cacheWrite1h: whole(line.cache_write_1h_tokens),
      costNanoUsd: whole(line.cost_usd * NANO),
    },
  };
}

/** A count as Envoy wrote it. Absent values are null. */
function whole(value) {
  return Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
}

function dayOf(time) {
  return time.toISOString().slice(0, 10);
}

/** The sums of one day, by agent and model. */
export class Day {
  #rows = new Map();

  /** @param rows what {@link rows} returned. */
  constructor(rows = []) {
    for (const { agent, model, ...sums } of rows) this.add(agent, model, sums);
  }

  add(agent, model, sums) {
    const key = JSON.stringify([agent, model]);
    const row = this.#rows.get(key) ?? {
      agent,
      model,
      ...Object.fromEntries(SUMS.map((name) => [name, 0])),
    };
    for (const name of SUMS) row[name] += sums[name];
    this.#rows.set(key, row);
  }

  /** Sorted by agent and model. */
  rows() {
    return [...this.#rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
  }
}

/** Rows of a day as `npm run usage` takes them: tokens apart, and dollars. */
export function reported(date, rows) {
  return rows.map(({ agent, model, requests, refused, estimated, unmetered, ...sums }) => {
    const { costNanoUsd, ...tokens } = sums;
    return {
      ...{ date, agent, model, requests, refused, tokens },
      ...{ cost: costNanoUsd / NANO, estimated, unmetered },
    };
  });
}
