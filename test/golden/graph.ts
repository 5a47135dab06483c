import * as pulumi from "@pulumi/pulumi";
import { setAllConfig } from "@pulumi/pulumi/runtime/config.js";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import { join } from "node:path";
import program from "../../stacks/index.ts";

/** Folder of this clone. It is replaced in golden files, which must not contain a machine's paths. */
const CLONE = join(import.meta.dirname, "../..");

/** A resource as the program registers it. Secrets are replaced by `"[secret]"`. */
export interface RegisteredResource {
  readonly type: string;
  readonly name: string;
  readonly parent?: string;
  readonly inputs: unknown;
}

/** What a stack program registers and exports for a configuration, without the Pulumi engine or a cluster. */
export interface Graph {
  readonly resources: readonly RegisteredResource[];
  readonly outputs: unknown;
}

/** A stack's configuration as in its file: `claude-gateway:` keys with text, lists and objects. */
export type StackFile = Readonly<Record<string, unknown>>;

/**
 * Runs the stack program against mocks and returns what it registered, sorted by name and type.
 * Mocks cannot show replacement, ordering or waiting; the lab's tests cover those.
 */
export async function registeredGraph(stack: string, config: StackFile): Promise<Graph> {
  const resources: RegisteredResource[] = [];
  const parents = new Map<string, string>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id }) => {
        const parent = parents.get(`${type} ${name}`);
        resources.push({ type, name, ...(parent && { parent }), inputs: sealed(inputs) });
        return {
          id: id || `${name}-id`,
          state: stateOf(type, name, inputs as Record<string, unknown>),
        };
      },
      call: ({ token }) => {
        throw new Error(`the program calls ${token}, for which there is no mock`);
      },
    },
    "claude-gateway",
    stack,
    false,
    "organization",
  );
  recordParents(parents);
  setAllConfig(
    Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  );
  const outputs = await settled(pulumi.secret(pulumi.output(program() as pulumi.Input<unknown>)));
  await pulumi.runtime.disconnect();
  resources.sort((a, b) => order(a.name, b.name) || order(a.type, b.type));
  return { resources, outputs: sealed(outputs) };
}

/** Mocks do not receive the parent of a resource, so this reads it from the register request. */
function recordParents(parents: Map<string, string>): void {
  const monitor = getMonitor() as unknown as {
    registerResource: (request: RegisterResourceRequest, callback: unknown) => unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    const parent = request.getParent().split("::").at(-1) ?? "";
    parents.set(`${request.getType()} ${request.getName()}`, parent);
    return register(request, callback);
  };
}

interface RegisterResourceRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The outputs that a provider adds to the inputs and that the program reads. */
function stateOf(
  type: string,
  name: string,
  inputs: Record<string, unknown>,
): Record<string, unknown> {
  if (type.startsWith("random:")) return { ...inputs, result: `generated-for-${name}` };
  if (type.startsWith("gcp:")) {
    const computed = ["selfLink", "diskId", "createTime", "email", "member", "address"];
    return {
      ...Object.fromEntries(computed.map((output) => [output, `${output}-of-${name}`])),
      ...inputs,
    };
  }
  // A stack reference returns no outputs yet.
  if (type === "pulumi:pulumi:StackReference") return { ...inputs, outputs: {} };
  if (type === "kubernetes:core/v1:Service") {
    const { metadata, spec } = inputs as { metadata: { name: string }; spec: object };
    return { ...inputs, spec: { ...spec, clusterIP: `address-of-${metadata.name}` } };
  }
  return inputs;
}

async function settled(output: pulumi.Output<unknown>): Promise<unknown> {
  return await new Promise((resolve) => {
    output.apply(resolve);
  });
}

/** The same value with sorted keys, and with `"[secret]"` in place of what the engine would encrypt. */
function sealed(value: unknown): unknown {
  // These have a golden file of their own, reviewed line by line.
  if (typeof value === "string" && value.startsWith("#!/bin/bash\n")) return "[script]";
  if (typeof value === "string") return value.replaceAll(CLONE, "<clone>");
  if (Array.isArray(value)) return value.map(sealed);
  if (typeof value !== "object" || value === null) return value;
  if ("4dabf18193072939515e22adb298388d" in value) return "[secret]";
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => order(a, b))
      .map(([key, inner]) => [key, sealed(inner)]),
  );
}
