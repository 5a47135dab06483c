import type { ScriptInput } from "../../../lab/anthropic/scripts.ts";
import { type Check, kept, lost, type Outcome } from "./check.ts";
import { excerpt } from "./compare.ts";
import { jsonDifferences } from "./json.ts";
import { newMarker, relay, type Relayed } from "./relay.ts";

/** Accepts any body. The normal answer of the fake API would reject what the API does not know. */
export const ANY_BODY: ScriptInput["action"] = {
  kind: "raw",
  status: 200,
  headers: [["Content-Type", "application/json"]],
  body: { text: "{}" },
};

/** Compares the body that the client sent with the body that the upstream received. */
export function sentUp(
  name: string,
  title: string,
  protects: string,
  bodyOf: (marker: string) => string,
  judge: (sent: string, relayed: Relayed) => Outcome = judgeJson,
): Check {
  return {
    id: `body.${name}`,
    title,
    protects,
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const sent = bodyOf(marker);
      const relayed = await relay(context, marker, { body: sent }, ANY_BODY);
      if (relayed.record !== undefined) return judge(sent, relayed);
      const { head, body } = relayed.response;
      return lost(
        "refused",
        `the request did not reach the upstream: ${head?.status ?? "no answer"} ${excerpt(body)}`,
      );
    },
  };
}

function judgeJson(sent: string, { requestBody }: Relayed): Outcome {
  const differences = jsonDifferences(sent, requestBody.toString());
  return differences.length === 0
    ? kept("the same JSON, keys in the same order")
    : lost("changed", differences.join("; "));
}
