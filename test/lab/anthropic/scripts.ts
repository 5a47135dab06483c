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
  /** Headers that must be there with exactly these values. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Text that the body must contain. */
  bodyContains: z.string().min(1).optional(),
});

const frameTiming = {
  /** Pause before this frame. */
  afterMs: Milliseconds.optional(),
  /** Waits before this frame until the gate of that name is opened. */
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
    /** Signed by the server when left out. */
    signature: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
  z.strictObject({
    type: z.literal("tool_use"),
    /** Made up by the server when left out. */
    id: z.string().optional(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
]);

const Action = z.discriminatedUnion("kind", [
  /** An error in the API's shape, with its headers; `headers` replace or add to them. */
  z.strictObject({
    kind: z.literal("error"),
    /** As the API words some refusals: without the outer `type`, without a request id. */
    bare: z.boolean().default(false),
    status: z.int().min(400).max(599),
    type: z.string().optional(),
    message: z.string().optional(),
    details: z.unknown().optional(),
    retryAfterSeconds: z.number().min(0).optional(),
    headers: Headers.optional(),
  }),
  /** Exactly this status, these headers and these bytes, with their length. */
  z.strictObject({
    kind: z.literal("raw"),
    status: z.int().min(200).max(599),
    headers: Headers,
    body: Bytes.optional(),
  }),
  /**
   * A body in the given pieces, as server-sent events unless the headers say otherwise, encoded as the client
   * offers unless the headers name an encoding. An empty last frame with a pause or a gate delays the end.
   */
  z.strictObject({
    kind: z.literal("frames"),
    status: z.int().min(200).max(599).default(200),
    headers: Headers.optional(),
    frames: z.array(Frame),
    /** `hang` never ends, `reset` sends a TCP reset, `close` stops without the end of the body. */
    end: z.enum(["finish", "hang", "reset", "close"]).default("finish"),
  }),
  /** An ordinary answer, streamed or not as asked for, with these blocks or the assistant's own. */
  z.strictObject({
    kind: z.literal("message"),
    content: z.array(AnswerBlock).optional(),
    stopReason: z
      .enum(["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"])
      .optional(),
    /** Pause before each frame of a stream but the first. */
    gapMs: Milliseconds.optional(),
  }),
  /** Never says anything more, after the request or after the headers of a stream. */
  z.strictObject({ kind: z.literal("hang"), after: z.enum(["request", "headers"]) }),
  /** A TCP reset, after the request or after the headers of a stream. */
  z.strictObject({ kind: z.literal("reset"), after: z.enum(["request", "headers"]) }),
]);

/** How to answer requests that match. */
export const Script = z.strictObject({
  /** All of it must match; nothing given matches every request. */
  match: Match.optional(),
  /** How many matching requests to let pass first. */
  skip: Count.default(0),
  /** How many to answer; `null` for all until it is cleared. */
  times: z.int().min(1).nullable().default(1),
  /** Pause before the headers. */
  delayMs: Milliseconds.default(0),
  /** Waits before the headers until the gate of that name is opened. */
  gate: z.string().optional(),
  /** Answers even those whose credential the API would refuse. */
  anyCredential: z.boolean().default(false),
  action: Action,
});

/** A script as a test writes it. */
export type ScriptInput = z.input<typeof Script>;
/** What a script does. */
export type ScriptAction = z.output<typeof Action>;
/** Bytes as JSON carries them. */
export type BytesInput = z.input<typeof Bytes>;
/** One frame of a `frames` action. */
export type FrameInput = z.input<typeof Frame>;

/** A script that is waiting for its requests. */
export interface ActiveScript extends z.output<typeof Script> {
  readonly id: number;
  /** Requests that matched, including the skipped ones. */
  matched: number;
  /** Requests that it answered. */
  answered: number;
}

/** What a script can look at. */
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

/** The scripts in the order they were pushed; the first that matches and has answers left is played. */
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

  /** The script that answers `request`, with its counts moved on. */
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

/** The bytes that `bytes` stands for. */
export function decodeBytes(bytes: BytesInput | FrameInput | undefined): Buffer {
  if (bytes === undefined) return Buffer.alloc(0);
  return "text" in bytes ? Buffer.from(bytes.text) : Buffer.from(bytes.base64, "base64");
}
