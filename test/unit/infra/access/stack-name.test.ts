import { describe, expect, it } from "vitest";

import { tunnelKubeconfig } from "../../../../infra/access/kubeconfig.ts";
import { fullStackName, isFullStackName, STACK_NAME } from "../../../../infra/access/stack-name.ts";

describe("a stack's full name", () => {
  const from = { organization: "team", project: "claude-gateway" };
  it.each([
    ["host", "team/claude-gateway/host"],
    ["other/host", "other/claude-gateway/host"],
    ["other/elsewhere/host", "other/elsewhere/host"],
  ])("of %s is %s, as in Pulumi", (name, full) => {
    expect(fullStackName(name, from)).toBe(full);
  });

  it("cannot leave its folder when used in a path", () => {
    for (const name of ["../a/b", "a/../b", "a/b/..", "./b", "a//b", "/a/b", "a/b/c/d", ""]) {
      expect(STACK_NAME.test(name), name).toBe(false);
      expect(isFullStackName(name), name).toBe(false);
    }
    expect(STACK_NAME.test("host")).toBe(true);
    expect(isFullStackName("host")).toBe(false);
    expect(isFullStackName("a-b/c.d/e_f")).toBe(true);
  });

  it("has its own kubeconfig path", () => {
    const names = ["a/b/host", "c/b/host", "a/c/host", "a/b/other", "a-b/c/d", "a/b-c/d"] as const;
    expect(new Set(names.map(tunnelKubeconfig)).size).toBe(names.length);
    expect(tunnelKubeconfig("a/b/host")).toBe("~/.kube/claude-gateway/a/b/host.yaml");
  });
});
