import type { IncomingHttpHeaders } from "node:http";

import { z } from "zod";

const Count = z.int().min(0);
const Milliseconds = z.int().min(0);
const Bytes = z.union([
  z.strictObject({ text: z.string() }),
  z.strictObject({ base64: z.base64() }),
]);
const Headers = z.array(z.tuple([z.string(), z.string()]));

const Match = z.strictObject({
  method: z.string().optional(),
  /** Path without the query. */
  path: z.string().optional(),
  /** Headers that the request must have with exactly these values. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Text that the body must contain. */
  bodyContains: z.string().min(1).optional(),
});

const frameTiming = {
  /** Pause before this frame. */
  afterMs: Milliseconds.optional(),
  /** Waits before this frame until the gate with this name is opened. */
  gate: z.string().optional(),
};
const Frame = z.union([
  z.strictObject({ text: z.string(), ...frameTiming }),
  z.strictObject({ base64: z.base64(), ...frameTiming }),
]);

const AnswerBlock = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string() }),
  z.strictObject({
    type: z.literal("thinking"),
    thinking: z.string(),
    /** Default: the server signs it. */
    signature: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
  z.strictObject({
    type: z.literal("tool_use"),
    /** Default: the server makes one up. */
    id: z.string().optional(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
]);

const Action = z.discriminatedUnion("kind", [
  /** An error in the API's format, with its headers. `headers` replaces headers or adds to them. */
  z.strictObject({
    kind: z.literal("error"),
    /** As in some of the API's errors: without the outer `type` and without a request id. */
    bare: z.boolean().default(false),
    status: z.int().min(400).max(599),
    type: z.string().optional(),
    message: z.string().optional(),
    details: z.unknown().optional(),
    retryAfterSeconds: z.number().min(0).optional(),
    headers: Headers.optional(),
  }),
  /** Exactly this status, these headers and these bytes, plus their length. */
  z.strictObject({
    kind: z.literal("raw"),
    status: z.int().min(200).max(599),
    headers: Headers,
    body: Bytes.optional(),
  }),
  /**
   * A body in the given pieces. The default type is server-sent events. The encoding is one that the client accepts, unless
   * the headers name an encoding. An empty last frame with a pause or a gate delays the end.
   */
  z.strictObject({
    kind: z.literal("frames"),
    status: z.int().min(200).max(599).default(200),
    headers: Headers.optional(),
    frames: z.array(Frame),
    /** `hang` never ends, `reset` sends a TCP reset, `close` closes without the end of the body. */
    end: z.enum(["finish", "hang", "reset", "close"]).default("finish"),
  }),
  /** A normal answer, streaming or not as requested, with these blocks or the assistant's own. */
  z.strictObject({
    kind: z.literal("message"),
    content: z.array(AnswerBlock).optional(),
    stopReason: z
      .enum(["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"])
      .optional(),
    /** Pause before each frame of a stream except the first. */
    gapMs: Milliseconds.optional(),
  }),
  /** Sends nothing more, after the request or after the headers of a stream. */
  z.strictObject({ kind: z.literal("hang"), after: z.enum(["request", "headers"]) }),
  /** A TCP reset, after the request or after the headers of a stream. */
  z.strictObject({ kind: z.literal("reset"), after: z.enum(["request", "headers"]) }),
]);

/** A rule for answering the requests that match. */
export const Script = z.strictObject({
  /** All conditions must match. Without conditions every request matches. */
  match: Match.optional(),
  /** How many matching requests to skip first. */
  skip: Count.default(0),
  /** How many requests to answer; `null` for all until the script is cleared. */
  times: z.int().min(1).nullable().default(1),
  /** Pause before the headers. */
  delayMs: Milliseconds.default(0),
  /** Waits before the headers until the gate with this name is opened. */
  gate: z.string().optional(),
  /** Also answers requests whose credential the API would reject. */
  anyCredential: z.boolean().default(false),
  action: Action,
});

/** A script in the form in which a test writes it. */
export type ScriptInput = z.input<typeof Script>;
/** The action of a script. */
export type ScriptAction = z.output<typeof Action>;
/** Bytes in JSON. */
export type BytesInput = z.input<typeof Bytes>;
/** One frame of a `frames` action. */
export type FrameInput = z.input<typeof Frame>;

/** A script that is installed. */
export interface ActiveScript extends z.output<typeof Script> {
  readonly id: number;
  /** Number of requests that matched, including the skipped ones. */
  matched: number;
  /** Number of requests that it answered. */
  answered: number;
}

/** The parts of a request that a script can match. */
export interface Matchable {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function matches(match: z.output<typeof Match> | undefined, request: Matchable): boolean {
  if (match === undefined) return true;
  return (
    (match.method === undefined || match.method === request.method) &&
    (match.path === undefined || match.path === request.path) &&
    Object.entries(match.headers ?? {}).every(
      ([name, value]) => request.headers[name.toLowerCase()] === value,
    ) &&
    (match.bodyContains === undefined || request.body.includes(match.bodyContains))
  );
}

/** The scripts, in the order in which they were added. The first one that matches and is not used up answers. */
export class Scripts {
  #nextId = 1;
  #scripts: ActiveScript[] = [];

  push(scripts: readonly z.output<typeof Script>[]): number[] {
    const added = scripts.map((script) => ({
      ...script,
      id: this.#nextId++,
      matched: 0,
      answered: 0,
    }));
    this.#scripts.push(...added);
    return added.map(({ id }) => id);
  }

  list(): readonly ActiveScript[] {
    return this.#scripts;
  }

  clear(): void {
    this.#scripts = [];
  }

  /** The script that answers `request`. Updates its counts. */
  take(request: Matchable, credentialAccepted: boolean): ActiveScript | undefined {
    for (const script of this.#scripts) {
      if (script.times !== null && script.answered >= script.times) continue;
      if (!credentialAccepted && !script.anyCredential) continue;
      if (!matches(script.match, request)) continue;
      script.matched++;
      if (script.matched <= script.skip) continue;
      script.answered++;
      return script;
    }
    return undefined;
  }
}

/** Decodes `bytes`. */
export function decodeBytes(bytes: BytesInput | FrameInput | undefined): Buffer {
  if (bytes === undefined) return Buffer.alloc(0);
  return "text" in bytes ? Buffer.from(bytes.text) : Buffer.from(bytes.base64, "base64");
}
