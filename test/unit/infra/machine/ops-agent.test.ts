import { beforeAll, describe, expect, it } from "vitest";

import { LOGGING_KEY, opsAgentConfig, opsAgentValue } from "../../../../infra/machine/ops-agent.ts";
import { ofKind, runHost } from "../host-resources.ts";
import type { Registered } from "../resources.ts";

describe("the Ops Agent's configuration", () => {
  const { logging, metrics } = opsAgentConfig(["claude-gateway", "dev-e"]);

  it("reads the pods' logs of the named namespaces and of kube-system, and of no other", () => {
    expect(logging.receivers.claude_gateway_pods.include_paths).toEqual([
      "/var/log/pods/kube-system_*/*/*.log",
      "/var/log/pods/claude-gateway_*/*/*.log",
      "/var/log/pods/dev-e_*/*/*.log",
    ]);
    expect(opsAgentConfig(["*"]).logging.receivers.claude_gateway_pods.include_paths[1]).toBe(
      "/var/log/pods/*_*/*/*.log",
    );
  });

  it("takes a line of containerd apart", () => {
    // The agent's regular expressions are Ruby's; this one has the same meaning here.
    const line = new RegExp(logging.processors.container_line.regex);
    expect(line.exec("2026-11-26T12:00:00.123456789Z stderr F a b")?.groups).toEqual({
      time: "2026-11-26T12:00:00.123456789Z",
      stream: "stderr",
      part: "F",
      message: "a b",
    });
    expect(line.exec("a line of something else")).toBeNull();
  });

  it("turns off what the agent would collect by itself", () => {
    expect(logging.service.pipelines.default_pipeline).toEqual({ receivers: [] });
    expect(metrics).toEqual({ service: { pipelines: { default_pipeline: { receivers: [] } } } });
  });

  it("comes with an exact release", () => {
    const [release, ...rest] = opsAgentValue(["claude-gateway"]).split("\n");
    expect(release).toMatch(/^\d+\.\d+\.\d+$/);
    expect(JSON.parse(rest.join("\n"))).toEqual(opsAgentConfig(["claude-gateway"]));
  });
});

describe("a host with logging", () => {
  let resources: Registered[] = [];
  let billed: Readonly<Record<string, string>> = {};
  beforeAll(async () => {
    const ran = await runHost({ logging: { retentionDays: 90 } });
    resources = ran.resources;
    ({ billed } = ran.outputs);
  });

  const FILTER =
    'resource.type="gce_instance" AND resource.labels.instance_id="the-instance-number" AND ' +
    '(log_id("claude_gateway_pods") OR log_id("claude_gateway_audit") OR log_id("claude_gateway_system"))';

  it("keeps this machine's logs in a bucket of its own, and not a second time in _Default", () => {
    expect(ofKind(resources, "ProjectBucketConfig").map(({ inputs }) => inputs)).toEqual([
      {
        project: "my-project",
        location: "europe-west1",
        bucketId: "gateway-host",
        retentionDays: 90,
      },
    ]);
    expect(ofKind(resources, "ProjectSink").map(({ inputs }) => inputs)).toEqual([
      {
        name: "gateway-host",
        destination:
          "logging.googleapis.com/projects/my-project/locations/europe-west1/buckets/gateway-host",
        filter: FILTER,
        uniqueWriterIdentity: true,
      },
    ]);
    expect(
      ofKind(resources, "ProjectExclusion").map(({ inputs }) => inputs.filter as unknown),
    ).toEqual([FILTER]);
    expect(billed.logging).toContain("kept for 90 days");
  });

  it("lets the machine write logs and metrics, and read none", () => {
    const grants = ofKind(resources, "IAMMember").map(({ inputs }) => [
      inputs.project,
      inputs.role,
    ]);
    expect(grants).toEqual([
      ["my-project", "roles/logging.logWriter"],
      ["my-project", "roles/monitoring.metricWriter"],
    ]);
  });

  it("asks the machine for the Ops Agent by metadata, so that no boot is needed", async () => {
    const metadata = (all: readonly Registered[]) =>
      ofKind(all, "Instance")[0]?.inputs.metadata ?? {};
    expect(metadata(resources)[LOGGING_KEY]).toBe(opsAgentValue(["claude-gateway"]));
    const without = (await runHost({})).resources;
    expect(metadata(without)).not.toHaveProperty(LOGGING_KEY);
    expect(metadata(without)["startup-script"]).toBe(metadata(resources)["startup-script"]);
    for (const type of ["ProjectBucketConfig", "ProjectSink", "ProjectExclusion", "IAMMember"]) {
      expect(ofKind(without, type)).toEqual([]);
    }
  });
});
