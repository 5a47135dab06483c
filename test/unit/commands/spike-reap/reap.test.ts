import { describe, expect, it } from "vitest";
import { reap } from "../../../../commands/spike-reap/reap.ts";
import { exported } from "./exports.ts";
import { FakeSpikes, policy, spikeNamespace } from "./fake-spikes.ts";

const NOW = new Date("2026-11-23T12:00:00Z");
const HOUR = 3600;

const old = { created: "2026-11-23T10:00:00Z", ttlOutput: HOUR, ttlAnnotation: String(HOUR) };
const young = { ...old, created: "2026-11-23T11:30:00Z" };

async function reaping(
  spikes: FakeSpikes,
  { orphans = false, signal = undefined as AbortSignal | undefined } = {},
) {
  const lines: string[] = [];
  const result = await reap(spikes, {
    orphans,
    report: (line) => lines.push(line),
    now: () => NOW,
    orphanTimeoutSeconds: 0,
    ...(signal && { signal }),
  });
  return { ...result, lines };
}

describe("stacks", () => {
  it("destroys expired stacks and nothing else", async () => {
    const spikes = new FakeSpikes({
      old: exported({ stack: "old", ...old }),
      young: exported({ stack: "young", ...young }),
      local: exported({ stack: "local", ...old, kind: "gateway", ttlOutput: undefined }),
      empty: '{"version":3,"deployment":{"manifest":{}}}',
    });
    const { stacks, lines } = await reaping(spikes);
    expect(spikes.calls).toEqual(["destroy old", "remove old"]);
    expect(stacks).toEqual({ gone: ["old"], kept: ["young"], failed: [] });
    expect(lines).toEqual([
      "stack old: expired at 2026-11-23T11:00:00.000Z; destroying it",
      "stack old: gone",
      "stack young: kept, because it expires only at 2026-11-23T12:30:00.000Z",
    ]);
  });

  it("continues if a stack cannot be destroyed, and does not remove that one", async () => {
    const spikes = new FakeSpikes(
      { one: exported({ stack: "one", ...old }), two: exported({ stack: "two", ...old }) },
      { failing: ["destroy one"] },
    );
    const { stacks, lines } = await reaping(spikes);
    expect(spikes.calls).toEqual(["destroy one", "destroy two", "remove two"]);
    expect(stacks).toEqual({ gone: ["two"], kept: [], failed: ["one"] });
    expect(lines).toContain("stack one: not reaped: destroy one failed");
  });

  it("continues if a state cannot be read", async () => {
    const spikes = new FakeSpikes(
      { one: exported({ stack: "one", ...old }), two: exported({ stack: "two", ...old }) },
      { failing: ["export one"] },
    );
    const { stacks } = await reaping(spikes);
    expect(spikes.calls).toEqual(["destroy two", "remove two"]);
    expect(stacks).toEqual({ gone: ["two"], kept: [], failed: ["one"] });
  });

  it("does not destroy a spike whose time to live it cannot read", async () => {
    const spikes = new FakeSpikes({
      odd: exported({ stack: "odd", ...old, ttlOutput: undefined, ttlAnnotation: "soon" }),
    });
    const { stacks, lines } = await reaping(spikes);
    expect(spikes.calls).toEqual([]);
    expect(stacks).toEqual({ gone: [], kept: [], failed: ["odd"] });
    expect(lines).toEqual([
      'stack odd: not reaped: its annotation claude-gateway/ttl-seconds is "soon", not a number of seconds',
    ]);
  });

  it("starts nothing new after an interrupt", async () => {
    const interrupted = new AbortController();
    const spikes = new FakeSpikes(
      { one: exported({ stack: "one", ...old }), two: exported({ stack: "two", ...old }) },
      {
        onCall: () => {
          interrupted.abort(new Error("Interrupted"));
        },
      },
    );
    await expect(reaping(spikes, { signal: interrupted.signal })).rejects.toThrow("Interrupted");
    expect(spikes.calls).toEqual(["destroy one", "remove one"]);
  });
});

describe("orphans", () => {
  const WORKLOADS = "cronjobs,jobs,deployments,statefulsets,daemonsets,replicasets,pods";
  const namespaces = [
    spikeNamespace("lost", "lost-gateway", old.created, "3600"),
    spikeNamespace("lost", "lost-agent", old.created, "3600"),
  ];

  it("does not query the cluster without --orphans", async () => {
    const spikes = new FakeSpikes({}, { objects: namespaces });
    const { orphans } = await reaping(spikes);
    expect(spikes.calls).toEqual([]);
    expect(orphans).toEqual({ gone: [], kept: [], failed: [] });
  });

  it("deletes expired namespaces that no stack owns, then cluster-scoped objects", async () => {
    const spikes = new FakeSpikes(
      { owner: exported({ stack: "owner", ...young }) },
      {
        objects: [
          ...namespaces,
          spikeNamespace("late", "late-agent", young.created, "3600"),
          // Expired by itself, but owned by a stack.
          spikeNamespace("owner", "owner-agent", old.created, "60"),
          policy("lost"),
          policy("late"),
          policy("owner"),
        ],
      },
    );
    const { orphans, lines } = await reaping(spikes, { orphans: true });
    expect(spikes.calls).toEqual([
      // Both in parallel, each with its pods first.
      `delete ${WORKLOADS} --all --namespace=lost-gateway`,
      `delete ${WORKLOADS} --all --namespace=lost-agent`,
      "delete namespace lost-gateway",
      "delete namespace lost-agent",
      "delete ValidatingAdmissionPolicy claude-gateway-agents-lost-gateway",
    ]);
    expect(orphans).toEqual({
      gone: [
        "Namespace/lost-gateway",
        "Namespace/lost-agent",
        "ValidatingAdmissionPolicy/claude-gateway-agents-lost-gateway",
      ],
      kept: ["Namespace/late-agent"],
      failed: [],
    });
    expect(lines).toContain(
      "namespace late-agent: no stack owns it; kept, because it expires only at 2026-11-23T12:30:00.000Z",
    );
  });

  it("a stack that could not be destroyed still owns its objects", async () => {
    const spikes = new FakeSpikes(
      { lost: exported({ stack: "lost", ...old }) },
      { objects: namespaces, failing: ["destroy lost"] },
    );
    const { orphans } = await reaping(spikes, { orphans: true });
    expect(spikes.calls).toEqual(["destroy lost"]);
    expect(orphans).toEqual({ gone: [], kept: [], failed: [] });
  });

  it("deletes what a destroyed stack left behind", async () => {
    const spikes = new FakeSpikes(
      { lost: exported({ stack: "lost", ...old }) },
      { objects: namespaces },
    );
    await reaping(spikes, { orphans: true });
    expect(spikes.calls).toEqual([
      "destroy lost",
      "remove lost",
      // Both in parallel, each with its pods first.
      `delete ${WORKLOADS} --all --namespace=lost-gateway`,
      `delete ${WORKLOADS} --all --namespace=lost-agent`,
      "delete namespace lost-gateway",
      "delete namespace lost-agent",
    ]);
  });

  it("deletes no orphans if a state cannot be read", async () => {
    const spikes = new FakeSpikes(
      { unreadable: "" },
      { objects: namespaces, failing: ["export unreadable"] },
    );
    const { stacks, lines } = await reaping(spikes, { orphans: true });
    expect(spikes.calls).toEqual([]);
    expect(stacks.failed).toEqual(["unreadable"]);
    expect(lines.at(-1)).toBe(
      "orphans: not deleted, because a stack whose state cannot be read may own them",
    );
  });

  it("does not delete a namespace without a valid time to live", async () => {
    const spikes = new FakeSpikes(
      {},
      { objects: [spikeNamespace("odd", "odd-agent", old.created, undefined)] },
    );
    const { orphans, lines } = await reaping(spikes, { orphans: true });
    expect(spikes.calls).toEqual([]);
    expect(orphans.failed).toEqual(["Namespace/odd-agent"]);
    expect(lines).toEqual([
      'namespace odd-agent: no stack owns it, but its annotation claude-gateway/ttl-seconds is "", not a number of seconds: delete it by hand',
    ]);
  });

  it("reports what blocks the deletion of a namespace, and continues with the others", async () => {
    const [gateway, agent] = namespaces;
    const stuck = {
      ...gateway,
      metadata: { ...gateway?.metadata, finalizers: ["example.com/mine"] },
      spec: { finalizers: ["kubernetes"] },
      status: {
        conditions: [
          {
            type: "NamespaceDeletionContentFailure",
            status: "False",
            message: "All content deleted",
          },
          {
            type: "NamespaceFinalizersRemaining",
            status: "True",
            message:
              "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
          },
        ],
      },
    };
    const spikes = new FakeSpikes({}, { objects: [stuck, agent], stuck: ["lost-gateway"] });
    const { orphans, lines } = await reaping(spikes, { orphans: true });
    expect(orphans).toEqual({
      gone: ["Namespace/lost-agent"],
      kept: [],
      failed: ["Namespace/lost-gateway"],
    });
    expect(lines).toContain(
      [
        "Namespace/lost-gateway: not gone after 0 s; blocked by",
        "  NamespaceFinalizersRemaining: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
        "  finalizer example.com/mine of the namespace itself",
      ].join("\n"),
    );
  });
});
