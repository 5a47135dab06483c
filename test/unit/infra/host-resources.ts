import { HostConfig, K3sConfig } from "../../../infra/schema.ts";
import { hostStack } from "../../../stacks/host.ts";
import { collect, type Registered } from "./resources.ts";

/** Runs a host stack with these options of `host`, and defaults for all else. */
export async function runHost(options: object) {
  const config = {
    gcp: { project: "my-project", zone: "europe-west1-b" },
    host: HostConfig.parse(options),
    k3s: K3sConfig.parse({}),
  };
  return collect("host", () => hostStack(config));
}

/** The resources of a kind, for example `Instance`. */
export function ofKind(resources: readonly Registered[], kind: string): Registered[] {
  return resources.filter(({ type }) => type.endsWith(`:${kind}`));
}
