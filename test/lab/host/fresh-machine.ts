import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { RELEASE_KEY } from "../../../infra/machine/k3s-release.ts";
import {
  KUBECONFIG_SECRET_KEY,
  renderStartupScript,
  type StartupScriptArgs,
  TOKEN_SECRET_KEY,
} from "../../../infra/machine/startup-script.ts";
import type { Cloud } from "./cloud.ts";
import { HostMachine } from "./machine.ts";

export const TOKEN = "the-k3s-token-of-this-test";
export const TOKEN_SECRET = "projects/p/secrets/gateway-host-k3s-token";
export const KUBECONFIG_SECRET = "projects/p/secrets/gateway-host-kubeconfig";

const NODE_FIREWALL = "table inet claude_gateway_test {}\n";

/** The release that a new machine is configured with. */
export const OLD = "v1.35.4+k3s1";

/**
 * A machine as a new host stack leaves it, switched off; with a snapshot, as `host.restoreFrom` leaves it. `remove`
 * deletes everything of it.
 */
export async function freshMachine(
  nodeFirewall = NODE_FIREWALL,
  snapshot?: string,
): Promise<{ readonly machine: HostMachine; readonly remove: () => Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), "claude-gateway-host-"));
  const machine = await HostMachine.create(dir, snapshot);
  machine.cloud = {
    attributes: {
      "startup-script": startupScript({ nodeFirewall }),
      "enable-guest-attributes": "TRUE",
      [TOKEN_SECRET_KEY]: TOKEN_SECRET,
      [KUBECONFIG_SECRET_KEY]: `${KUBECONFIG_SECRET} 2026-11-23T00:00:00Z`,
    },
    secrets: {
      [TOKEN_SECRET]: { grant: "Accessor", value: TOKEN },
      [KUBECONFIG_SECRET]: { grant: "VersionManager" },
    },
    releases: {},
  };
  askFor(machine, machine.makeRelease(OLD));
  return {
    machine,
    async remove() {
      await machine.powerOff();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The startup script of a fresh machine, or one that differs in what is given. */
export function startupScript(
  args: Partial<Pick<StartupScriptArgs, "nodeFirewall" | "drainSeconds">> = {},
): string {
  return renderStartupScript({
    nodeName: "gateway-host",
    patience: { attempts: 8, retrySeconds: 1, watchSeconds: 2 },
    datastoreMib: 32,
    nodeFirewall: NODE_FIREWALL,
    ...args,
  });
}

/** Sets the metadata key that the machine watches, as `pulumi up` does. */
export function askFor(machine: HostMachine, release: string): void {
  setAttributes(machine, { [RELEASE_KEY]: release });
}

/** Updates metadata in place. */
export function setAttributes(machine: HostMachine, attributes: Cloud["attributes"]): void {
  const { cloud } = machine;
  machine.cloud = { ...cloud, attributes: { ...cloud.attributes, ...attributes } };
}

/** Changes one secret. */
export function setSecret(
  machine: HostMachine,
  name: string,
  secret: Cloud["secrets"][string],
): void {
  const { cloud } = machine;
  machine.cloud = { ...cloud, secrets: { ...cloud.secrets, [name]: secret } };
}

/** All kubeconfigs that the machine added as versions, oldest first. */
export function published(machine: HostMachine): string[] {
  return machine.requests
    .filter(({ path, status }) => path.includes(":addVersion") && status === 200)
    .map(({ body }) => {
      const { payload } = JSON.parse(body) as { payload: { data: string } };
      return Buffer.from(payload.data, "base64").toString();
    });
}

/** The versions of secrets that the machine destroyed, for example `3`, in order. */
export function destroyed(machine: HostMachine): string[] {
  return machine.requests
    .filter(({ status }) => status === 200)
    .flatMap(({ path }) => /\/versions\/(\w+):destroy$/.exec(path)?.[1] ?? []);
}

/** What k3s reports when it is Ready, `VERSION True`; empty before. */
export async function readiness(machine: HostMachine): Promise<string> {
  return ((await machine.read("/run/k3s-ready")) ?? "").trim();
}

/** Process id of k3s. A different one means that k3s was restarted. */
export async function k3sPid(machine: HostMachine): Promise<string | undefined> {
  return machine.read("/run/stand-in-systemd/k3s.service.pid");
}

/** The release that the datastore was last migrated to. */
export async function datastoreRelease(machine: HostMachine): Promise<string | undefined> {
  return (await machine.read("/var/lib/rancher/k3s/server/db/state.db"))?.split("\n")[1];
}
