import { describe, expect, it } from "vitest";
import { fromCheckpoint, toCheckpoint } from "../../../../lab/pulumi/kubernetes/checkpoint.ts";
import {
  forcesConflicts,
  ignoreProperties,
  takeOverPatch,
} from "../../../../lab/pulumi/kubernetes/fieldManagers.ts";
import { unsupported } from "../../../../lab/pulumi/kubernetes/kinds.ts";
import { idOf, parseId, typeOfToken } from "../../../../lab/pulumi/kubernetes/object.ts";
import { sameQuantity } from "../../../../lab/pulumi/kubernetes/quantity.ts";
import { Secret, toWire, type PropertyMap } from "../../../../lab/pulumi/provider/values.ts";

describe("the state of a resource", () => {
  const live = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "n" },
    data: { a: "aHVzaA==" },
  };

  it("shows no data of a Secret in the clear, neither of the object nor of its inputs", () => {
    const state = toCheckpoint(live, live, live, "v1", "manager");
    const wire = JSON.stringify(toWire(state));
    expect(state.data).toEqual(new Secret({ a: "aHVzaA==" }));
    expect(state.__inputs).toMatchObject({ data: new Secret({ a: "aHVzaA==" }) });
    expect(wire.match(/aHVzaA==/g)).toHaveLength(2);
    expect(wire.match(/"value":\{"a":"aHVzaA=="\}/g)).toHaveLength(2);
  });

  it("is read back without markers", () => {
    expect(fromCheckpoint(toCheckpoint({ x: 1 }, live, live, "v1", "manager"))).toEqual({
      inputs: { x: 1 },
      live,
      initialApiVersion: "v1",
      fieldManager: "manager",
    });
  });
});

describe("field managers", () => {
  const managed = (...entries: PropertyMap[]): PropertyMap => ({
    metadata: { resourceVersion: "7", managedFields: entries },
    data: { theirs: "t", ours: "o" },
  });
  const created = {
    manager: "pulumi-kubernetes",
    operation: "Update",
    fieldsV1: { "f:data": { "f:a": {} } },
  };
  const own = { manager: "mine", operation: "Apply", fieldsV1: { "f:data": { "f:b": {} } } };
  const controller = { manager: "kube-controller-manager", operation: "Update", fieldsV1: {} };

  it("take over what the creation wrote, merged with what they hold", () => {
    expect(takeOverPatch(managed(own, created, controller), "mine")).toEqual([
      {
        op: "replace",
        path: "/metadata/managedFields",
        value: [{ ...own, fieldsV1: { "f:data": { "f:a": {}, "f:b": {} } } }, controller],
      },
      { op: "replace", path: "/metadata/resourceVersion", value: "7" },
    ]);
  });

  it("take over nothing of a controller's, nor of a status", () => {
    expect(takeOverPatch(managed(own, controller), "mine")).toBeUndefined();
    expect(takeOverPatch(managed({ ...created, subresource: "status" }), "mine")).toBeUndefined();
  });

  it("override others only where they are told to, or in a preview that cannot take over", () => {
    const forced = { metadata: { annotations: { "pulumi.com/patchForce": "true" } } };
    expect(forcesConflicts(forced, managed(own), false, false)).toBe(true);
    expect(forcesConflicts({}, managed(own), true, false)).toBe(true);
    expect(forcesConflicts({}, managed(own, controller), false, false)).toBe(false);
    expect(forcesConflicts({}, managed(created), false, true)).toBe(true);
    expect(forcesConflicts({}, managed(created), false, false)).toBe(false);
    expect(forcesConflicts({}, managed(), false, false)).toBe(true);
  });

  it("leave ignored properties to those who hold them, and hold on to their own", () => {
    const theirs = {
      manager: "hpa",
      operation: "Update",
      fieldsV1: { "f:data": { "f:theirs": {} } },
    };
    const ours = { ...own, fieldsV1: { "f:data": { "f:ours": {} } } };
    const inputs: PropertyMap = { data: { theirs: "new", ours: "new", free: "new" } };
    ignoreProperties(
      inputs,
      managed(theirs, ours),
      ["data.theirs", "data.ours", "data.free"],
      "mine",
    );
    expect(inputs).toEqual({ data: { ours: "o", free: "new" } });
  });
});

describe("names and tokens", () => {
  it("an id is the namespace and the name, or the name alone", () => {
    expect(idOf({ metadata: { name: "n", namespace: "ns" } })).toBe("ns/n");
    expect(idOf({ metadata: { name: "n" } })).toBe("n");
    expect(parseId("ns/n")).toEqual({ namespace: "ns", name: "n" });
    expect(parseId("n")).toEqual({ namespace: "", name: "n" });
  });

  it("a token names group, version and kind", () => {
    expect(typeOfToken("kubernetes:core/v1:Pod")).toEqual({
      group: "",
      version: "v1",
      kind: "Pod",
    });
    expect(typeOfToken("kubernetes:apps/v1:Deployment").group).toBe("apps");
    expect(() => typeOfToken("kubernetes:v1:Pod")).toThrow(
      "does not have both a group and a version",
    );
  });

  it.each([
    ["kubernetes:core/v1:ConfigMapList", "cannot be created directly"],
    ["kubernetes:core/v1:ConfigMapPatch", "Patch resources"],
    ["kubernetes:helm.sh/v3:Release", "charts and YAML files"],
    ["kubernetes:yaml:ConfigFile", "charts and YAML files"],
  ])("refuses %s by name", (token, text) => {
    expect(unsupported(token)).toContain(text);
  });

  it.each(["kubernetes:core/v1:ConfigMap", "kubernetes:example.com/v1:Chart"])(
    "takes %s",
    (token) => {
      expect(unsupported(token)).toBeUndefined();
    },
  );
});

describe("quantities", () => {
  it.each([
    ["1024Mi", "1Gi", true],
    ["0.5", "500m", true],
    ["1e3", "1k", true],
    [1, "1000m", true],
    ["1G", "1Gi", false],
    ["100m", "101m", false],
    ["abc", "abc", false],
  ])("%s and %s: %s", (a, b, same) => {
    expect(sameQuantity(a, b)).toBe(same);
  });
});
