import type { RawResponse } from "../client/raw-client.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";
import { excerpt } from "./compare.ts";
import { messagesRequest, MODEL, newMarker } from "./relay.ts";

interface Usage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation?: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
}

type CacheControl = { readonly type: "ephemeral"; readonly ttl?: "1h" };

/** Longer than the smallest prompt that the model caches (4096 tokens). */
const CACHED_TEXT = "All work and no play makes Jack a dull boy. ".repeat(600);

function turns(marker: string, cacheControl: CacheControl) {
  const system = [
    { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.331; cc_entrypoint=cli;" },
    { type: "text", text: `${marker} ${CACHED_TEXT}`, cache_control: cacheControl },
  ];
  const base = { model: MODEL, max_tokens: 64, system };
  const first = [{ role: "user", content: "say: one" }];
  const more = [
    { role: "assistant", content: "one" },
    { role: "user", content: "say: two" },
  ];
  return [
    JSON.stringify({ ...base, messages: first }),
    JSON.stringify({ ...base, messages: [...first, ...more] }),
  ] as const;
}

async function twoTurns({ client }: CheckContext, cacheControl: CacheControl) {
  const marker = newMarker();
  const usages: Usage[] = [];
  for (const body of turns(marker, cacheControl)) {
    const response = await client.send(messagesRequest({ body }));
    const usage = usageOf(response);
    if (usage === undefined) {
      return lost("no-usage", `${response.head?.status ?? "no answer"} ${excerpt(response.body)}`);
    }
    usages.push(usage);
  }
  return usages;
}

function usageOf({ body }: RawResponse): Usage | undefined {
  try {
    return (JSON.parse(body.toString()) as { usage?: Usage }).usage;
  } catch {
    return undefined;
  }
}

function judge(
  outcome: Outcome | readonly Usage[],
  written: (usage: Usage) => number | undefined,
): Outcome {
  if ("kept" in outcome) return outcome;
  const [first, second] = outcome;
  const wrote = first === undefined ? 0 : (written(first) ?? 0);
  const read = second?.cache_read_input_tokens ?? 0;
  const seen = `turn 1 wrote ${wrote} tokens to the cache, turn 2 read ${read}`;
  if (wrote === 0) return lost("not-written", seen);
  return read === wrote ? kept(seen) : lost("not-read", seen);
}

const CHEAPER =
  "Cached input costs a tenth. If the cache breaks, a session costs about ten times as much, and nobody notices before the invoice.";

export const caching: readonly Check[] = [
  {
    id: "caching.five-minutes",
    title: "Turn 2 reads what turn 1 wrote to the five-minute cache",
    protects: CHEAPER,
    needs: [],
    run: async (context) =>
      judge(
        await twoTurns(context, { type: "ephemeral" }),
        (usage) => usage.cache_creation?.ephemeral_5m_input_tokens,
      ),
  },
  {
    id: "caching.one-hour",
    title: "Turn 2 reads what turn 1 wrote to the one-hour cache",
    protects: `${CHEAPER} A field that a gateway may not know requests the one-hour cache.`,
    needs: [],
    run: async (context) =>
      judge(
        await twoTurns(context, { type: "ephemeral", ttl: "1h" }),
        (usage) => usage.cache_creation?.ephemeral_1h_input_tokens,
      ),
  },
  {
    id: "caching.unmarked",
    title: "A prompt without cache_control is not cached",
    protects: "A gateway that adds its own cache_control changes the cost.",
    needs: [],
    async run({ client }) {
      const marker = newMarker();
      const [body] = turns(marker, { type: "ephemeral" });
      const unmarked = body.replace(/,"cache_control":\{[^}]*\}/, "");
      const usage = usageOf(await client.send(messagesRequest({ body: unmarked })));
      if (usage === undefined) return lost("no-usage", "the answer has no usage");
      const cached = usage.cache_creation_input_tokens + usage.cache_read_input_tokens;
      const seen = `${usage.input_tokens} tokens in, ${cached} cached`;
      return cached === 0 ? kept(seen) : lost("cached", seen);
    },
  },
];
