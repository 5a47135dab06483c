import { expect, test } from "vitest";
import {
  credentialHolder,
  judgeHolder,
} from "../../../verify/conformance/checks/credential-holder.ts";
import type { CredentialSearch } from "../../../verify/secrets/agent-keys.ts";
import { decide } from "../../../verify/conformance/report/decision.ts";
import type { Report, Status } from "../../../verify/conformance/report/report.ts";

const NOTHING: CredentialSearch = { others: 4, found: [], characters: 900, foundControl: true };

test("a search that finds only what was planted shows that the gateway holds the credential", () => {
  expect(judgeHolder(NOTHING)).toEqual({
    kept: true,
    evidence: "none of the stack's 4 other keys in 900 characters",
  });
});

test.each<{ what: string; search: Partial<CredentialSearch>; loss: string }>([
  { what: "a key", search: { found: ["environment: gateway/key"] }, loss: "readable" },
  { what: "not even its control", search: { foundControl: false }, loss: "no-control" },
  { what: "that there is no other key", search: { others: 0 }, loss: "agent-holds" },
])("a search that finds $what does not", ({ search, loss }) => {
  expect(judgeHolder({ ...NOTHING, ...search })).toMatchObject({ kept: false, loss });
});

function report(status: Status, evidence: string): Report {
  const { id, title } = credentialHolder;
  return {
    ...{ stack: "s", path: "envoy-terminate", versions: {}, baseUrl: "http://x" },
    ...{ measuredAt: "2026-11-25T00:00:00Z", view: "both-sides", verdict: "as-expected" },
    checks: [{ id, title, status, expected: status === "fail" ? "pass" : status, evidence }],
  };
}

test.each<[Status, string, string]>([
  ["pass", "none of 4", "Gateway: the agent's pod contains none of the stack's other keys."],
  ["by-design", "[agent-holds] no other key", "Agent: no other key."],
  ["fail", "[readable] files: a key", "Agent: files: a key."],
  ["skipped", "needs a pod", "Not measured: configuration.credential-holder needs a pod."],
])("the decision table's holder follows from a check that is %s", (status, evidence, holder) => {
  expect(decide(report(status, evidence)).credentialHolder).toBe(holder);
});

test("a path of which a key was found in the agent's pod has the agent as the holder in its risk", () => {
  const found = report("by-design", "[agent-holds] no other key");
  expect(decide(found).risk).toContain("but the agent holds the real credential");
  expect(decide(report("pass", "none")).risk).toMatch(/^Low/);
});
