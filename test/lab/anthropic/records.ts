import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";

import type { Header } from "./header.ts";
import type { Usage } from "./usage.ts";

/** Milliseconds since the epoch with a fraction. Comparable between processes on one machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** The state of an exchange. `aborted` means that the client disconnected first. */
export type ExchangeState = "receiving" | "answering" | "finished" | "aborted" | "reset" | "closed";

/** One request and its answer, as the control API lists it. */
export interface ExchangeSummary {
  readonly id: number;
  readonly state: ExchangeState;
  readonly connection: number;
  readonly peer: string;
  /** The TLS server name; `null` without TLS or without a name. */
  readonly serverName: string | null;
  readonly method: string;
  /** Path and query, exactly as received. */
  readonly url: string;
  readonly httpVersion: string;
  /** Names (with their case), values and order exactly as received. */
  readonly headers: readonly Header[];
  readonly bodyBytes: number;
  readonly bodySha256: string;
  readonly startedAtMs: number;
  /** When the last byte of the request arrived. */
  readonly receivedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Number of the script that answered. */
  readonly script: number | null;
  /** The usage of the answer, as far as it was sent; `null` if nothing is charged. */
  readonly usage: Usage | null;
  readonly response: {
    readonly status: number;
    readonly headers: readonly Header[];
    readonly atMs: number;
    /** A piece that was written at once, with its content encoding, and when. */
    readonly frames: readonly { readonly atMs: number; readonly bytes: number }[];
    readonly bodyBytes: number;
  } | null;
}

/** The record of an exchange that is still under way. */
export interface ExchangeRecord {
  readonly id: number;
  readonly connection: number;
  readonly peer: string;
  readonly serverName: string | null;
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
  readonly startedAtMs: number;
  state: ExchangeState;
  body: Buffer;
  receivedAtMs: number | null;
  endedAtMs: number | null;
  script: number | null;
  usage: Usage | null;
  response: {
    readonly status: number;
    readonly headers: readonly Header[];
    readonly atMs: number;
    readonly frames: { readonly atMs: number; readonly bytes: Buffer }[];
  } | null;
}

/** Converts Node's `[name, value, name, value]` to pairs. */
export function headerPairs(rawHeaders: readonly string[]): Header[] {
  const pairs: Header[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    pairs.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  }
  return pairs;
}

function summary(record: ExchangeRecord): ExchangeSummary {
  const { rawHeaders, body, response, ...rest } = record;
  const frames = response?.frames.map(({ atMs, bytes }) => ({ atMs, bytes: bytes.length })) ?? [];
  return {
    ...rest,
    headers: headerPairs(rawHeaders),
    bodyBytes: body.length,
    bodySha256: createHash("sha256").update(body).digest("hex"),
    response: response && {
      status: response.status,
      headers: response.headers,
      atMs: response.atMs,
      frames,
      bodyBytes: frames.reduce((sum, { bytes }) => sum + bytes, 0),
    },
  };
}

/** A lab may run for days. Above this many bytes of request bodies the oldest records are dropped. */
const MAXIMUM_BODY_BYTES = 512 * 1024 * 1024;
const MAXIMUM_RECORDS = 20_000;

/** The exchanges since the last `clear`, oldest first. */
export class Records {
  /** Off during a benchmark: then nothing is recorded. */
  enabled = true;
  #nextId = 1;
  #bodyBytes = 0;
  readonly #records = new Map<number, ExchangeRecord>();

  /** Starts a record; `undefined` while recording is off. */
  open(head: Omit<ExchangeRecord, "id">): ExchangeRecord | undefined {
    if (!this.enabled) return undefined;
    const record = { ...head, id: this.#nextId++ };
    this.#records.set(record.id, record);
    return record;
  }

  /** Adds the body to its record, and drops old records if necessary. */
  received(record: ExchangeRecord, body: Buffer): void {
    record.body = body;
    record.receivedAtMs = nowMs();
    this.#bodyBytes += body.length;
    for (const [id, oldest] of this.#records) {
      if (this.#bodyBytes <= MAXIMUM_BODY_BYTES && this.#records.size <= MAXIMUM_RECORDS) break;
      if (oldest === record) break;
      this.#records.delete(id);
      this.#bodyBytes -= oldest.body.length;
    }
  }

  get(id: number): ExchangeRecord | undefined {
    return this.#records.get(id);
  }

  /** Summaries of the records with a number above `afterId`. */
  list(afterId: number): ExchangeSummary[] {
    return [...this.#records.values()].filter(({ id }) => id > afterId).map(summary);
  }

  get size(): number {
    return this.#records.size;
  }

  clear(): void {
    this.#records.clear();
    this.#bodyBytes = 0;
  }
}
