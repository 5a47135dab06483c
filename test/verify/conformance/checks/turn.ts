import type { ExchangeSummary } from "../../../lab/anthropic/records.ts";
import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import type { Turn } from "../../../lab/claude.ts";
import { type CheckContext, type ClaudeRequest, lost, type Outcome } from "./check.ts";
import { decoded, excerpt } from "./compare.ts";
import { lastRecord, upstreamOf } from "./relay.ts";

function claudeOf({ claude }: CheckContext) {
  if (claude === undefined) throw new Error("this check needs Claude Code");
  return claude;
}

/** The result of a turn and, with the fake API, its requests to the messages route. */
export async function turn(
  context: CheckContext,
  marker: string,
  request: Omit<ClaudeRequest, "prompt"> & { readonly prompt?: string } = {},
  script?: Omit<ScriptInput, "match">,
): Promise<{ result: Turn; requests: readonly ExchangeSummary[] }> {
  const { upstream } = context;
  const since = upstream === undefined ? 0 : await lastRecord(upstream);
  if (script !== undefined) {
    await upstreamOf(context).push({
      ...script,
      match: { path: "/v1/messages", bodyContains: marker },
    });
  }
  const result = await claudeOf(context)({ prompt: `say: ${marker}`, ...request });
  const requests: ExchangeSummary[] = [];
  for (const record of (await upstream?.records(since)) ?? []) {
    if (!record.url.startsWith("/v1/messages?")) continue;
    const body = await upstream?.requestBody(record.id);
    if (body !== undefined && decoded(record.headers, body)?.includes(marker) === true)
      requests.push(record);
  }
  return { result, requests };
}

export function failed({ result }: Turn): Outcome {
  return lost("turn-failed", `the turn ended in an error: ${excerpt(result)}`);
}
