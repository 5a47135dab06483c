/**
 * Replaces `gcloud` (528.0.0) for the commands in docs/runbook-host.md, because there is no Google Cloud here. It runs what
 * `compute ssh` is given on the lab's machine, resets that machine, and answers `logging read` with the lines that match the
 * filter. Other commands and flags are rejected. Missing: sign-in, permissions, sudo, and gcloud's own formats.
 */
import { parseArgs } from "node:util";

import { consoleLine, type LogEntry, matches } from "../google/logging-query.ts";
import type { HostMachine } from "./machine.ts";

export interface GcloudAnswer {
  readonly status: number;
  readonly output: string;
}

type Command = (
  machine: HostMachine,
  flags: Readonly<Record<string, string>>,
  name: string,
) => Promise<string> | string;

/** The name of a data disk that was made from a snapshot has a hash, see infra/cloud/machine.ts. */
const DATA_DISK = { name: "gateway-host-data-0a1b2c3d", label: "claude-gateway-host=gateway-host" };

/** The commands, each with the flags that it must have. */
const COMMANDS: Readonly<
  Record<string, { readonly flags: readonly string[]; readonly run: Command }>
> = {
  "compute instances get-guest-attributes": {
    flags: ["project", "zone", "query-path", "format"],
    run: (machine, flags) => {
      const key = flags["query-path"] ?? "";
      const put = machine.requests.findLast(({ path }) => path.endsWith(`/${key}`));
      return JSON.stringify([{ key, value: put?.body ?? "" }]);
    },
  },
  "compute instances describe": {
    flags: ["project", "zone", "format"],
    run: () => "RUNNING\n",
  },
  "compute instances get-serial-port-output": {
    flags: ["project", "zone"],
    run: (machine) => serialConsole(machine),
  },
  // It runs already, which gcloud accepts.
  "compute instances start": { flags: ["project", "zone"], run: () => "" },
  "compute instances reset": {
    flags: ["project", "zone"],
    run: async (machine) => {
      await machine.powerOff();
      const { status, output } = await machine.boot();
      if (status !== 0) throw new Error(output);
      return "";
    },
  },
  "compute ssh": {
    flags: ["project", "zone", "tunnel-through-iap", "command"],
    run: async (machine, { command = "" }) => {
      // The lab's machine has no sudo; its only user is root.
      const { status, output } = await machine.run([
        "bash",
        "-o",
        "pipefail",
        "-c",
        `sudo() { "$@"; }; ${command}`,
      ]);
      if (status !== 0) throw new Error(output);
      return output;
    },
  },
  "compute snapshots list": {
    flags: ["project", "filter", "sort-by", "limit"],
    run: () => "NAME  DISK_SIZE_GB  SRC_DISK  STATUS\n",
  },
  "compute snapshots create": {
    flags: ["project", "source-disk", "source-disk-zone", "labels"],
    run: (_, { project = "", "source-disk": disk = "", "source-disk-zone": zone = "" }) => {
      if (disk === DATA_DISK.name) return "";
      throw new Error(
        `Could not fetch resource:\n - The resource 'projects/${project}/zones/${zone}/disks/${disk}' was not found`,
      );
    },
  },
  "compute disks list": {
    flags: ["project", "filter", "format"],
    run: (_, { filter, format }) => {
      if (format !== "value(name)") throw new Error("--format: only value(name) is simulated");
      return filter === `labels.${DATA_DISK.label}` ? `${DATA_DISK.name}\n` : "";
    },
  },
  "logging read": {
    flags: ["project", "freshness", "limit", "format"],
    run: async (machine, _, filter) =>
      (await entries(machine))
        .filter((entry) => matches(filter, entry))
        .map((entry) => `${entry.textPayload ?? JSON.stringify(entry)}\n`)
        .join(""),
  },
};

async function serialConsole(machine: HostMachine): Promise<string> {
  return (await machine.read("/run/stand-in-systemd/claude-gateway-watch.service.log")) ?? "";
}

/** What Cloud Logging has: the serial console, one dropped connection, one failed snapshot. */
async function entries(machine: HostMachine): Promise<LogEntry[]> {
  const labels = { "compute.googleapis.com/resource_name": "gateway-host" };
  return [
    ...(await serialConsole(machine))
      .split("\n")
      .map((line) => ({ ...consoleLine("4242", line), labels })),
    {
      logName: "projects/p/logs/compute.googleapis.com%2Fnat_flows",
      resource: { type: "nat_gateway", labels: { gateway_name: "gateway-host" } },
    },
    {
      logName: "projects/p/logs/cloudaudit.googleapis.com%2Fsystem_event",
      severity: "ERROR",
      resource: { type: "gce_disk", labels: { disk_id: "4711" } },
      protoPayload: { methodName: "ScheduledSnapshots" },
    },
  ];
}

/** Runs one command, as a user's shell gave it. */
export async function gcloud(machine: HostMachine, argv: readonly string[]): Promise<GcloudAnswer> {
  const words = argv.join(" ");
  const [name, command] =
    Object.entries(COMMANDS).find(([command]) => words.startsWith(`${command} `)) ?? [];
  if (name === undefined || command === undefined) {
    return { status: 2, output: `ERROR: (gcloud) Invalid choice: '${words}'.\n` };
  }
  try {
    const { values, positionals } = parseArgs({
      args: argv.slice(name.split(" ").length),
      options: Object.fromEntries(
        command.flags.map((flag) => [
          flag,
          { type: flag === "tunnel-through-iap" ? ("boolean" as const) : ("string" as const) },
        ]),
      ),
      allowPositionals: true,
    });
    const missing = command.flags.filter((flag) => values[flag] === undefined);
    if (missing.length > 0) throw new Error(`Must be specified: --${missing.join(", --")}`);
    const expected = name.endsWith(" list") ? 0 : 1;
    if (positionals.length !== expected) throw new Error(`unrecognized: ${positionals.join(" ")}`);
    const flags = values as Readonly<Record<string, string>>;
    return { status: 0, output: await command.run(machine, flags, positionals[0] ?? "") };
  } catch (error) {
    return { status: 1, output: `ERROR: (gcloud.${name}) ${(error as Error).message}\n` };
  }
}
