import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Adder } from "../../../../../components/usage/record/adder.mjs";

/** Noon of the day on which the tests take place. */
export const NOON = Date.parse("2026-11-25T12:00:00.000Z");

/** The fields of a line as Envoy writes it, with some replaced. */
export function line(fields: Readonly<Record<string, unknown>> = {}): string {
  const all = {
    time: "2026-11-25T11:00:00.000Z",
    duration_ms: 1500,
    agent: "dev-e",
    session_id: null,
    model: "claude-haiku-4-5",
    status: 200,
    flags: "-",
    details: "via_upstream",
    input_tokens: 10,
    output_tokens: 5,
    cache_read_tokens: 3,
    cache_write_5m_tokens: 2,
    cache_write_1h_tokens: 1,
    cost_usd: 0.00004,
    estimated: null,
    metering: "metered",
    ...fields,
  };
  return `${JSON.stringify(all)}\n`;
}

/** The row that {@link line} makes, so many times. */
export function row(requests: number, fields: Readonly<Record<string, unknown>> = {}) {
  return {
    date: "2026-11-25",
    agent: "dev-e",
    model: "claude-haiku-4-5",
    requests,
    refused: 0,
    tokens: {
      input: 10 * requests,
      output: 5 * requests,
      cacheRead: 3 * requests,
      cacheWrite5m: 2 * requests,
      cacheWrite1h: requests,
    },
    cost: (40_000 * requests) / 1e9,
    estimated: 0,
    unmetered: 0,
    ...fields,
  };
}

/** A temporary folder as the record's volume. */
export class TestVolume {
  readonly root = fs.mkdtempSync(join(tmpdir(), "usage-record-"));
  uptime = 0;

  /** A program that adds up, as after a new start. */
  adder(over: Partial<typeof fs> = {}): Adder {
    return new Adder({
      root: this.root,
      fs: { ...fs, ...over },
      uptime: () => this.uptime,
    });
  }

  /** Appends to a pod's file, as Envoy does. */
  append(pod: string, text: string, file = "requests.jsonl"): void {
    fs.mkdirSync(join(this.root, pod), { recursive: true });
    fs.appendFileSync(join(this.root, pod, file), text);
  }

  rename(pod: string, number: number): void {
    const folder = join(this.root, pod);
    fs.renameSync(join(folder, "requests.jsonl"), join(folder, `requests-${number}.jsonl`));
  }

  /** Files of a pod, or of the sums. */
  files(folder: string): string[] {
    return fs.readdirSync(join(this.root, folder)).sort();
  }

  pods(): string[] {
    return fs
      .readdirSync(this.root)
      .filter((name) => name !== ".record")
      .sort();
  }

  remove(): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }
}
