import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { commandBlocks } from "../../lab/docs/command-blocks.ts";
import { runHost } from "../infra/host-resources.ts";

const ROOT = join(import.meta.dirname, "../../..");
const read = (page: string): string => readFileSync(join(ROOT, page), "utf8");
const PAGE = read("infra/README.md");

/** The API that a resource of a module of Pulumi's provider is made through. */
const API: Readonly<Record<string, string>> = {
  artifactregistry: "artifactregistry",
  compute: "compute",
  logging: "logging",
  monitoring: "monitoring",
  // A role in the project is read and written with the project's policy.
  // https://cloud.google.com/resource-manager/reference/rest/v1/projects/setIamPolicy
  projects: "cloudresourcemanager",
  secretmanager: "secretmanager",
  serviceaccount: "iam",
};

/** What is used without a resource of its own: the tunnel; a policy on a log; what the Ops Agent measures. */
const BESIDES: Readonly<Record<string, readonly string[]>> = {
  "": ["iap"],
  "host.alerts": ["logging"],
  "host.logging": ["monitoring"],
};

const apis = (text: string): string[] =>
  [...text.matchAll(/(\w+)\.googleapis\.com/g)].map(([, api = ""]) => api);

describe("the APIs that the page asks for", () => {
  const line = /^- a project with billing[^]*?;$/m.exec(PAGE)?.[0] ?? "";
  const [always = "", ...more] = line.split(/\bfor (?=`host\.)/);

  async function used(options: object): Promise<Set<string>> {
    const { resources } = await runHost(options);
    const modules = resources.flatMap(({ type }) => /^gcp:(\w+)\//.exec(type)?.[1] ?? []);
    return new Set(modules.map((module) => API[module] ?? `the API of ${module}`));
  }

  it.each<[string, object]>([
    ["", {}],
    ["host.alerts", { alerts: { emails: ["a@example.com"] } }],
    ["host.logging", { logging: { retentionDays: 30 } }],
    ["host.registries", { registries: [{ location: "europe-west1", repository: "agents" }] }],
  ])("are those of the resources with %j, and no other", async (option, options) => {
    const ofOption = more.filter((part) => part.split("also")[0]?.includes(`\`${option}\``));
    const asked = new Set([always, ...ofOption].flatMap(apis));
    const needed = await used(options);
    for (const api of [...(BESIDES[""] ?? []), ...(BESIDES[option] ?? [])]) needed.add(api);
    expect(asked).toEqual(needed);
  });
});

/** The roles that let a person run a command of gcloud. `compute ssh`: https://cloud.google.com/compute/docs/oslogin/set-up-oslogin */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  "compute disks list": ["Compute Viewer"],
  "compute instances describe": ["Compute Viewer"],
  "compute instances get-serial-port-output": ["Compute Viewer"],
  "compute instances reset": ["Compute Admin"],
  "compute instances start": ["Compute Admin"],
  "compute snapshots create": ["Compute Admin"],
  "compute snapshots list": ["Compute Viewer"],
  "compute ssh": [
    ...["IAP-secured Tunnel User", "Compute Viewer", "Compute OS Admin Login"],
    "Service Account User on the VM's own account",
  ],
  "logging read": ["Logs Viewer"],
};

describe("the roles of whoever follows the host's runbook", () => {
  const roles = (who: string): string =>
    PAGE.split("\n").find((line) => line.startsWith(`| ${who}`)) ?? "";
  const commands = commandBlocks("docs/runbook-host.md", read("docs/runbook-host.md"))
    .flatMap(({ lines }) => lines)
    .flatMap((line) => [...line.matchAll(/gcloud ((?:[a-z][a-z-]* )+)/g)])
    .map(([, command = ""]) => command.trim());

  it("are known for each command", () => {
    expect(new Set(commands)).toEqual(new Set(Object.keys(ROLES)));
  });

  it.each(Object.entries(ROLES))("allow gcloud %s", (_, needed) => {
    const told = roles("whoever follows [the host's runbook]");
    expect(told).toContain("what whoever creates the host has");
    const also = roles("whoever creates and deletes the host");
    for (const role of needed) expect(role === "Compute Admin" ? also : told).toContain(role);
  });
});
