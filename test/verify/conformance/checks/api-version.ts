import { type Check, kept, lost } from "./check.ts";
import { judgeAnswer } from "./compare.ts";
import { jsonDifferences } from "./json.ts";
import { conversation, headerOf, newMarker, relay } from "./relay.ts";

const VERSION = "2026-10-21";

/** This version rejects `temperature`, so the API's answer also shows which version it was asked for. */
export const apiVersion: Check = {
  id: `headers.api-version-${VERSION}`,
  title: `Requests of API version ${VERSION} arrive, and so do its errors`,
  protects:
    "New SDKs send this version. A gateway that replaces it makes the API accept and answer other things than the client expects.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const body = conversation(marker);
    const accepted = await relay(context, marker, { body, version: VERSION });
    if (accepted.record === undefined) return lost("refused", "the API got no request");
    const version = headerOf(accepted.record.headers, "anthropic-version");
    if (version !== VERSION) return lost("changed", `the version became ${version ?? "nothing"}`);
    const differences = jsonDifferences(body, accepted.requestBody.toString());
    if (differences.length > 0) return lost("changed", differences.join("; "));
    if (accepted.response.head?.status !== 200) return judgeAnswer(accepted);

    const next = newMarker();
    const sampled = { body: conversation(next, { temperature: 0.5 }), version: VERSION };
    const rejected = await relay(context, next, sampled);
    if (rejected.record?.response?.status !== 400)
      return lost("changed", "the API did not reject temperature, so it got another request");
    const outcome = judgeAnswer(rejected);
    return outcome.kept
      ? kept(`version ${VERSION} arrived; the API's 400: ${outcome.evidence}`)
      : outcome;
  },
};
