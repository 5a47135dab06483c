/** Simulates a correct meter: it reads an answer's tokens once the answer is complete, and keeps the log. */
import type { LoggedRequest } from "../../../verify/conformance/checks/check.ts";
import { decodedSoFar } from "../../../verify/conformance/client/content-encoding.ts";

interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
}

interface Answer {
  readonly model: string;
  readonly usage: Usage;
}

/** What a stream's first event has; tests also send others. */
type Start = Pick<Answer, "model"> & Partial<Answer>;

/** US dollars for a token, whatever its kind: only whether something costs is compared. */
const USD = 0.000_005;

/** The log line of an answer. */
export function meteredLine(
  agent: string,
  status: number,
  { encoding, body }: { readonly encoding: string | undefined; readonly body: Buffer },
): LoggedRequest {
  const text = decodedSoFar(encoding, body)?.toString() ?? "";
  const answer = status < 400 ? answerOf(text) : undefined;
  if (answer === undefined) return { ...EMPTY, agent };
  const { model, usage } = answer;
  return {
    agent,
    model,
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.cache_read_input_tokens,
    cache_write_5m_tokens: usage.cache_creation.ephemeral_5m_input_tokens,
    cache_write_1h_tokens: usage.cache_creation.ephemeral_1h_input_tokens,
    cost_usd: (usage.input_tokens + usage.output_tokens) * USD,
    estimated: false,
    metering: "metered",
  };
}

const EMPTY = {
  model: null,
  input_tokens: null,
  output_tokens: null,
  cache_read_tokens: null,
  cache_write_5m_tokens: null,
  cache_write_1h_tokens: null,
  cost_usd: 0,
  estimated: false,
  metering: "free",
} as const;

function answerOf(text: string): Answer | undefined {
  try {
    if (text.startsWith("{")) {
      const { model, usage } = JSON.parse(text) as Partial<Answer>;
      return model === undefined || usage === undefined ? undefined : { model, usage };
    }
    const events = text
      .split("\n")
      .filter((line) => line.startsWith("data: "))
      .map((line) => JSON.parse(line.slice(6)) as { type: string; message?: Start; usage?: Usage });
    const start = events.find(({ type }) => type === "message_start")?.message;
    const usage = events.findLast((event) => event.usage !== undefined)?.usage;
    return start?.usage && { model: start.model, usage: { ...start.usage, ...usage } };
  } catch {
    return undefined;
  }
}
