import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { diffConfig } from "../../../../lab/pulumi/kubernetes/diffConfig.ts";
import {
  defaultNamespace,
  parseKubeconfig,
  selectContext,
} from "../../../../lab/pulumi/kubernetes/kubeconfig.ts";
import { readSettings } from "../../../../lab/pulumi/kubernetes/settings.ts";
import { Secret, Unknown } from "../../../../lab/pulumi/provider/values.ts";

const kubeconfig = (server: string, rest: { ca?: string; token?: string } = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "one", cluster: { server, "certificate-authority-data": rest.ca ?? "Y2E=" } },
      { name: "two", cluster: { server: "https://two" } },
    ],
    users: [{ name: "me", user: { token: rest.token ?? "t" } }],
    contexts: [
      { name: "first", context: { cluster: "one", user: "me", namespace: "team" } },
      { name: "second", context: { cluster: "two", user: "me" } },
    ],
    "current-context": "first",
  });

const folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
const file = join(folder, "config");
writeFileSync(file, kubeconfig("https://one"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("a change of the provider's arguments", () => {
  const here = kubeconfig("https://one");
  const elsewhere = kubeconfig("https://other");

  it("replaces everything if it means another server or CA", () => {
    expect(diffConfig({ kubeconfig: here }, { kubeconfig: elsewhere })).toEqual({
      changes: true,
      diffs: ["kubeconfig"],
      replaces: ["kubeconfig"],
    });
    const otherCa = kubeconfig("https://one", { ca: "b3RoZXI=" });
    expect(diffConfig({ kubeconfig: here }, { kubeconfig: otherCa }).replaces).toEqual([
      "kubeconfig",
    ]);
    expect(
      diffConfig({ kubeconfig: here, context: "first" }, { kubeconfig: here, context: "second" })
        .replaces,
    ).toEqual(["context"]);
  });

  it("is an update if only credentials change, or where the file lies", () => {
    const rotated = kubeconfig("https://one", { token: "new" });
    expect(diffConfig({ kubeconfig: here }, { kubeconfig: rotated })).toEqual({
      changes: true,
      diffs: ["kubeconfig"],
      replaces: [],
    });
    expect(diffConfig({ kubeconfig: here }, { kubeconfig: file }).replaces).toEqual([]);
    expect(
      diffConfig({ kubeconfig: here }, { kubeconfig: new Secret(elsewhere) }).replaces,
    ).toEqual(["kubeconfig"]);
  });

  it("replaces nothing while the cluster identifier is set and stays", () => {
    expect(
      diffConfig(
        { kubeconfig: here, clusterIdentifier: "c" },
        { kubeconfig: elsewhere, clusterIdentifier: "c" },
      ),
    ).toEqual({ changes: true, diffs: ["kubeconfig"], replaces: [] });
    expect(
      diffConfig(
        { kubeconfig: here, clusterIdentifier: "c" },
        { kubeconfig: Unknown.value, clusterIdentifier: "c" },
      ).replaces,
    ).toEqual([]);
  });

  it("replaces everything if the identifier changes, and nothing if it is added or dropped", () => {
    const [a, b] = [{ clusterIdentifier: "a" }, { clusterIdentifier: "b" }];
    expect(diffConfig(a, b).replaces).toEqual(["clusterIdentifier"]);
    expect(diffConfig({}, a).replaces).toEqual([]);
    expect(diffConfig(a, {}).replaces).toEqual([]);
  });

  it("replaces everything if where the cluster is becomes unknown", () => {
    expect(diffConfig({ kubeconfig: here }, { kubeconfig: Unknown.value }).replaces).toEqual([
      "kubeconfig",
    ]);
  });

  it("is none if nothing changes, and an update for other arguments", () => {
    expect(diffConfig({ kubeconfig: here }, { kubeconfig: here })).toEqual({
      changes: false,
      replaces: [],
    });
    expect(diffConfig({}, { deleteUnreachable: "true" })).toEqual({
      changes: true,
      diffs: ["deleteUnreachable"],
      replaces: [],
    });
  });
});

describe("a kubeconfig", () => {
  it("is taken by path or by content", () => {
    for (const source of [file, kubeconfig("https://one")]) {
      expect(parseKubeconfig(source).getCurrentCluster()?.server).toBe("https://one");
    }
  });

  it("says which namespace objects without one go to", () => {
    const config = parseKubeconfig(file);
    expect(defaultNamespace(config, {})).toBe("team");
    expect(defaultNamespace(config, { namespace: "own" })).toBe("own");
    selectContext(config, { context: "second" });
    expect(defaultNamespace(config, {})).toBe("default");
    expect(config.getCurrentCluster()?.server).toBe("https://two");
  });

  it("is refused if a name in it leads nowhere", () => {
    expect(() => {
      selectContext(parseKubeconfig(file), { context: "third" });
    }).toThrow('context "third" does not exist');
    expect(() => {
      selectContext(parseKubeconfig(file), { cluster: "three" });
    }).toThrow('cluster "three" does not exist');
  });
});

describe("settings", () => {
  const read = (variables: Record<string, string>, env: NodeJS.ProcessEnv = {}) =>
    readSettings(new Map(Object.entries(variables)), env);

  it("follow the environment only where the argument is unset", () => {
    const env = { PULUMI_K8S_DELETE_UNREACHABLE: "true" };
    expect(read({}).deleteUnreachable).toBe(false);
    expect(read({}, env).deleteUnreachable).toBe(true);
    expect(read({ deleteUnreachable: "false" }, env).deleteUnreachable).toBe(false);
    expect(read({ deleteUnreachable: "true" }).deleteUnreachable).toBe(true);
  });

  it("apply server-side unless told otherwise, and change no ConfigMap or Secret in place", () => {
    expect(read({})).toMatchObject({
      serverSideApply: true,
      configMapsMutable: false,
      secretsMutable: false,
      upsertExistingObjects: false,
      patchForce: false,
    });
    expect(read({ enableConfigMapMutable: "true" }).configMapsMutable).toBe(true);
  });

  it("refuse what the stand-in would do in another way than the original", () => {
    expect(() => read({ renderYamlToDirectory: "out" })).toThrow("renderYamlToDirectory");
  });
});
