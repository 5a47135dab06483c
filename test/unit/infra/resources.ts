import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";

/** Values of any shape. A test reads the few that it checks. */
export interface Inputs {
  readonly [key: string]: Inputs | undefined;
}

/** A resource as the program registers it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly protect: boolean;
}

/**
 * Runs `program` as the stack `organization/claude-gateway/<stack>` against mocks that fill in outputs like GCE, and returns
 * what it registered. Mocks prove neither parents nor replacements; the lab's tests with the real engine do.
 */
export async function collect<T>(
  stack: string,
  program: () => Promise<T>,
  lastOutputs: Record<string, unknown> = {},
): Promise<{
  readonly resources: Registered[];
  readonly outputs: T;
  /** How many resources were registered when the answer to the first read of the last outputs came. */
  readonly registeredBeforeRead: number | undefined;
}> {
  const resources: Registered[] = [];
  let registeredBeforeRead: number | undefined;
  const kept = new Set<string>();
  await pulumi.runtime.setMocks(
    {
      call: () => ({}),
      async newResource({ type, name, inputs: anything }) {
        const inputs = anything as Record<string, unknown>;
        if (type === "pulumi:pulumi:StackReference") {
          // What does not wait for the answer is registered meanwhile.
          await new Promise((resolve) => setTimeout(resolve, 10));
          registeredBeforeRead ??= resources.length;
          return {
            id: name,
            state: { ...inputs, outputs: lastOutputs, secretOutputNames: [] },
          };
        }
        const key = `${type} ${name}`;
        resources.push({ type, name, inputs: inputs as Inputs, protect: kept.has(key) });
        return { id: `${name}-id`, state: { ...inputs, ...computed(type, inputs) } };
      },
    },
    "claude-gateway",
    stack,
    false,
    "organization",
  );
  watchProtect(kept);
  const outputs = await program();
  await pulumi.runtime.disconnect();
  return { resources, outputs, registeredBeforeRead };
}

/** Mocks do not receive `protect`, so this reads it from the register request. */
function watchProtect(kept: Set<string>): void {
  const monitor = getMonitor() as unknown as {
    registerResource(request: RegisterResourceRequest, ...rest: unknown[]): unknown;
  };
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, ...rest) => {
    if (request.getProtect()) kept.add(`${request.getType()} ${request.getName()}`);
    return register(request, ...rest);
  };
}

function computed(type: string, inputs: Record<string, unknown>): Record<string, unknown> {
  switch (type) {
    case "gcp:serviceaccount/account:Account": {
      const email = `${String(inputs.accountId)}@p.iam.gserviceaccount.com`;
      return { email, member: `serviceAccount:${email}` };
    }
    case "gcp:compute/address:Address":
      return { address: "203.0.113.7", selfLink: `addresses/${String(inputs.name)}` };
    case "gcp:compute/disk:Disk":
      return { diskId: "4711", selfLink: `disks/${String(inputs.name)}` };
    case "gcp:compute/instance:Instance":
      return { instanceId: "the-instance-number" };
    case "gcp:secretmanager/secret:Secret":
      return { createTime: "2026-11-23T00:00:00Z" };
    case "random:index/randomPassword:RandomPassword":
      return { result: "the-generated-token" };
    default:
      return {};
  }
}
