import { describe, expect, test } from "vitest";
import { drains, reportingDrains } from "../../../../commands/local/drains.ts";

const UNTIL = "2026-11-24T10:15:00.000Z";
const DELETED_BY = "2026-11-24T10:15:20Z";
const clock = (time: string) => new Date(time).toLocaleTimeString("en-GB");

const pod = (name: string, parts: { ends: boolean; helped: boolean }) => ({
  metadata: { name, ...(parts.ends && { deletionTimestamp: DELETED_BY }) },
  spec: parts.helped ? { initContainers: [{ name: "drain" }] } : {},
});

/** A cluster with these pods, whose drain helpers logged these last lines. */
function cluster(pods: readonly object[], logs: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  return {
    asked,
    title: "a cluster",
    kubectl(args: readonly string[]) {
      const command = args.join(" ");
      asked.push(command);
      if (args[1] === "namespaces") return Promise.resolve("namespace/llm\n");
      if (args[0] === "get") return Promise.resolve(JSON.stringify({ items: pods }));
      const line = logs[args[1] ?? ""];
      return line === undefined ? Promise.reject(new Error(command)) : Promise.resolve(line);
    },
  };
}

const waiting = (open: object) => JSON.stringify({ message: "waiting", open, until: UNTIL });

describe("what an update waits for", () => {
  test("is nothing if no gateway pod is terminating", async () => {
    const target = cluster([pod("shim-envoy-1", { ends: false, helped: true })]);
    expect(await drains(target, "local")).toBe("");
    expect(target.asked).toEqual([
      "get namespaces --selector claude-gateway/stack=local,claude-gateway/role=gateway --output=name",
      "get pods --namespace llm --selector=claude-gateway/role in (gateway, litellm) --output=json",
    ]);
  });

  test("is the agents' open streams and the end time that the pod's drain helper logged", async () => {
    const pods = [
      pod("hybrid-envoy-1", { ends: true, helped: true }),
      pod("hybrid-envoy-2", { ends: false, helped: true }),
    ];
    const at = (open: object) => cluster(pods, { "hybrid-envoy-1": `${waiting(open)}\n` });
    const text = (streams: string) =>
      `hybrid-envoy-1 waits for ${streams} of agents, until ${clock(UNTIL)} at most`;
    expect(await drains(at({ agents: 2, sni: 1 }), "local")).toBe(text("3 open streams"));
    expect(await drains(at({ agents: 1 }), "local")).toBe(text("1 open stream"));
    // On `shim` a stream passes both listeners. If another Envoy also serves, it may pass only this one's second listener.
    expect(await drains(at({ agents: 1, egress: 1 }), "local")).toBe(text("1 open stream"));
    expect(await drains(at({ agents: 0, egress: 2 }), "local")).toBe(text("2 open streams"));
  });

  test("is only the pod's end time if there is no count or no open stream", async () => {
    const pods = [
      pod("litellm-1", { ends: true, helped: false }),
      pod("envoy-1", { ends: true, helped: true }),
      pod("envoy-2", { ends: true, helped: true }),
    ];
    const target = cluster(pods, { "envoy-1": '{"message":"drained"}\n' });
    expect(await drains(target, "local")).toBe(
      ["litellm-1", "envoy-1", "envoy-2"]
        .map((name) => `${name} ends by ${clock(DELETED_BY)}`)
        .join("; "),
    );
  });
});

test("the result and the error of the work are passed on", async () => {
  const target = cluster([]);
  const status = () => undefined;
  expect(await reportingDrains(target, "local", status, () => Promise.resolve(7))).toBe(7);
  const failing = () => Promise.reject(new Error("no"));
  await expect(reportingDrains(target, "local", status, failing)).rejects.toThrow("no");
});
