import { createHash } from "node:crypto";

import { invalidRequest } from "./errors.ts";
import { blocksOf, type ContentBlock, type MessagesRequest } from "./messagesRequest.ts";
import type { Model } from "./models.ts";
import { blockTokens } from "./tokens.ts";

const TTL_MS = { "5m": 300_000, "1h": 3_600_000 } as const;
type Ttl = keyof typeof TTL_MS;

const MAXIMUM_BREAKPOINTS = 4;
/** How many blocks before a breakpoint the API looks for an earlier entry. */
const LOOKBACK_BLOCKS = 20;
/** Limits the memory of a lab that runs for days; far more entries than any test has at once. */
const MAXIMUM_ENTRIES = 10_000;
/** Tokens of the prompt's own frame. They are never cached, so no request has zero input tokens. */
const FRAME_TOKENS = 3;

/** Input tokens of a request, split as in `usage`. */
export interface InputUsage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheCreation5m: number;
  readonly cacheCreation1h: number;
}

/** All input tokens, cached or not. */
export function totalInput(usage: InputUsage): number {
  return usage.input + usage.cacheRead + usage.cacheCreation5m + usage.cacheCreation1h;
}

interface PromptBlock {
  readonly canonical: string;
  readonly tokens: number;
  readonly ttl: Ttl | undefined;
}

function ttlOf(cacheControl: unknown): Ttl | undefined {
  if (cacheControl === undefined || cacheControl === null) return undefined;
  return (cacheControl as { ttl?: unknown }).ttl === "1h" ? "1h" : "5m";
}

/**
 * The content of a block without `cache_control`. The order of a block's own fields does not matter. The key order inside
 * a tool's schema or input does, because the API renders those as JSON text.
 */
function canonicalBlock(block: Readonly<Record<string, unknown>>): string {
  const fields = Object.keys(block)
    .filter((name) => name !== "cache_control")
    .sort();
  return JSON.stringify(fields.map((name) => [name, block[name]]));
}

const ATTRIBUTION = "x-anthropic-billing-header:";

/** The system prompt as the model gets it: if Claude Code's attribution block is first, it is removed. */
function systemPrompt(request: MessagesRequest): readonly ContentBlock[] {
  const blocks = blocksOf(request.system);
  return String(blocks[0]?.text).startsWith(ATTRIBUTION) ? blocks.slice(1) : blocks;
}

/** The rendered prompt in the API's order: tools, system, messages. */
function promptBlocks(request: MessagesRequest): PromptBlock[] {
  const blocks: PromptBlock[] = [];
  const add = (scope: string, block: Readonly<Record<string, unknown>>) => {
    const canonical = canonicalBlock(block);
    blocks.push({
      canonical: scope + canonical,
      tokens: blockTokens(block, canonical),
      ttl: ttlOf(block.cache_control),
    });
  };
  for (const tool of request.tools ?? []) add("tool", tool);
  for (const block of systemPrompt(request)) add("system", block);
  // Another tool choice or thinking mode keeps tools and system cached, but invalidates the messages.
  const mode = JSON.stringify([request.tool_choice ?? null, request.thinking ?? null]);
  request.messages.forEach(({ role, content }, index) => {
    for (const block of blocksOf(content)) add(`${index === 0 ? mode : ""}${role}`, block);
  });
  const last = blocks.at(-1);
  const automatic = ttlOf(request.cache_control);
  if (last !== undefined && automatic !== undefined && last.ttl === undefined) {
    blocks[blocks.length - 1] = { ...last, ttl: automatic };
  }
  return blocks;
}

function checkBreakpoints(blocks: readonly PromptBlock[]): void {
  const ttls = blocks.map((block) => block.ttl).filter((ttl) => ttl !== undefined);
  if (ttls.length > MAXIMUM_BREAKPOINTS) {
    throw invalidRequest(
      `A maximum of ${MAXIMUM_BREAKPOINTS} blocks with cache_control may be provided. Found ${ttls.length}.`,
    );
  }
  if (ttls.lastIndexOf("1h") > ttls.indexOf("5m") && ttls.includes("5m")) {
    throw invalidRequest(
      "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
    );
  }
}

/** What a request reads from and writes to the cache. Nothing is written until `commit`. */
export interface CachePlan {
  readonly usage: InputUsage;
  /** Called when the answer begins, because only then can other requests read the new entries. */
  commit(): void;
}

/** The prompt cache: per model, the prefixes that ended at a breakpoint, until they expire. */
export class PromptCache {
  readonly #now: () => number;
  readonly #entries = new Map<string, { ttl: Ttl; expiresAtMs: number }>();

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Input tokens for `count_tokens`, which does not use the cache. */
  static count(request: MessagesRequest): number {
    return promptBlocks(request).reduce((sum, block) => sum + block.tokens, FRAME_TOKENS);
  }

  plan(request: MessagesRequest, model: Model): CachePlan {
    const blocks = promptBlocks(request);
    const total = blocks.reduce((sum, block) => sum + block.tokens, FRAME_TOKENS);
    if (blocks.every((block) => block.ttl === undefined)) {
      const usage = { input: total, cacheRead: 0, cacheCreation5m: 0, cacheCreation1h: 0 };
      return { usage, commit: () => undefined };
    }
    checkBreakpoints(blocks);

    // keys[i] and prefixTokens[i] describe the prompt up to and including block i.
    const keys: string[] = [];
    const prefixTokens: number[] = [];
    let tokens = 0;
    for (const block of blocks) {
      keys.push(
        createHash("sha256")
          .update(keys.at(-1) ?? model.id)
          .update(block.canonical)
          .digest("base64"),
      );
      prefixTokens.push((tokens += block.tokens));
    }
    const tokensAt = (index: number) => (index < 0 ? 0 : (prefixTokens[index] ?? 0));
    const breakpoints = blocks.flatMap(({ ttl }, index) =>
      ttl !== undefined && tokensAt(index) >= model.minimumCacheableTokens ? [{ index, ttl }] : [],
    );

    const now = this.#now();
    const alive = (index: number) => {
      const entry = this.#entries.get(keys[index] ?? "");
      return entry !== undefined && entry.expiresAtMs > now;
    };
    let hit = -1;
    for (const { index } of breakpoints) {
      for (let at = index; at >= 0 && at >= index - LOOKBACK_BLOCKS && at > hit; at--) {
        if (alive(at)) hit = at;
      }
    }
    const lastOf = (ttl: Ttl) =>
      Math.max(hit, ...breakpoints.filter((point) => point.ttl === ttl).map(({ index }) => index));
    const end1h = lastOf("1h");
    const end = Math.max(end1h, lastOf("5m"));
    return {
      usage: {
        input: total - tokensAt(end),
        cacheRead: tokensAt(hit),
        cacheCreation1h: tokensAt(end1h) - tokensAt(hit),
        cacheCreation5m: tokensAt(end) - tokensAt(end1h),
      },
      commit: () => {
        const read = this.#entries.get(keys[hit] ?? "");
        if (read !== undefined) read.expiresAtMs = this.#now() + TTL_MS[read.ttl];
        for (const { index, ttl } of breakpoints) {
          if (index > hit) this.#write(keys[index] ?? "", ttl);
        }
      },
    };
  }

  #write(key: string, ttl: Ttl): void {
    const oldest = this.#entries.keys().next();
    if (this.#entries.size >= MAXIMUM_ENTRIES && !oldest.done) this.#entries.delete(oldest.value);
    this.#entries.set(key, { ttl, expiresAtMs: this.#now() + TTL_MS[ttl] });
  }
}
