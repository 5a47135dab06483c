import type { HostReference } from "./host-reference.ts";
import { printable } from "./printable.ts";

/** The steps of a boot, in order, with a title each. */
export const STEPS = {
  files: "configuration files",
  watch: "watch for upgrades",
  packages: "Debian packages",
  disk: "data disk",
  datastore: "file system of the datastore",
  kernel: "kernel settings",
  firewall: "node firewall",
  token: "k3s token from Secret Manager",
  recovery: "unfinished upgrade",
  k3s: "k3s download and checksum",
  start: "k3s start",
  kubeconfig: "kubeconfig to Secret Manager",
} as const;

/** Steps that the machine does not report until it has booted with this release. */
const NEW_STEPS: readonly string[] = ["datastore"];

/** What the machine does after its set-up, each with a title. It reports one only once it has done it. */
export const LATER_STEPS = {
  configuration: "settings of this boot",
  upgrade: "last upgrade of k3s",
  maintenance: "maintenance",
  logging: "Ops Agent, which sends logs",
  publishing: "later kubeconfigs",
} as const;

const isStep = (step: string): boolean => Object.hasOwn(STEPS, step);

/** The machine's report on one step. */
export interface StepReport {
  readonly step: string;
  readonly state: "running" | "ok" | "failed" | "refused";
  /** UTC. */
  readonly time: string;
  readonly message: string;
}

/** Parses the guest attribute `claude-gateway/steps`. Any process on the machine can write it, so it is not trusted. */
export function parseSteps(text: string): StepReport[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [step = "", state = "", time = "", message = ""] = line.split("\t").map(printable);
      if (state !== "running" && state !== "ok" && state !== "failed" && state !== "refused") {
        throw new Error(
          `The guest attribute claude-gateway/steps has a line that is not a step report: ${printable(line)}`,
        );
      }
      return { step, state, time, message };
    });
}

/** How far the machine's set-up is. */
export interface HostStatus {
  readonly host: HostReference;
  /** Empty if the machine has not reported anything yet. */
  readonly steps: readonly StepReport[];
}

/** Whether the cluster can be used. After a refused or failed upgrade the previous release still runs. */
export function isReady({ steps }: HostStatus): boolean {
  return Object.keys(STEPS).every((name) => {
    const report = steps.find(({ step }) => step === name);
    return report === undefined ? NEW_STEPS.includes(name) : report.state === "ok";
  });
}

/** What failed after the set-up. The cluster can be used all the same. */
export function laterFailures({ steps }: HostStatus): readonly StepReport[] {
  return steps.filter(
    ({ step, state }) =>
      Object.hasOwn(LATER_STEPS, step) && (state === "failed" || state === "refused"),
  );
}

/** One line: how far the set-up is, or which step failed and why. */
export function summarize(status: HostStatus): string {
  const { host, steps } = status;
  const where = `${host.instance} (${host.project}, ${host.zone})`;
  const failed = steps.find(({ step, state }) => isStep(step) && state === "failed");
  if (failed !== undefined) {
    return `${where}: set-up failed at step "${failed.step}": ${failed.message}`;
  }
  if (isReady(status)) {
    const release = steps.find(({ step }) => step === "k3s")?.message.split(",")[0] ?? "";
    const upgrading = steps.filter(({ step, state }) => step === "upgrade" && state === "running");
    const asides = [...upgrading, ...laterFailures(status)].map(
      ({ step, state, message }) => `; ${step} ${state}: ${message}`,
    );
    return `${where}: ready, k3s ${release}${asides.join("")}`;
  }
  const current = steps.find(({ step, state }) => isStep(step) && state === "running");
  if (current === undefined && steps.length === 0) {
    return `${where}: the machine has not reported yet; a first boot takes a minute or two`;
  }
  const done = steps.filter(({ step, state }) => isStep(step) && state === "ok").length;
  return `${where}: setting up, ${done} of ${Object.keys(STEPS).length} steps done${current === undefined ? "" : `, now at "${current.step}"`}`;
}

const MARKS = { running: "…", ok: "✓", failed: "✗", refused: "✗" } as const;

/** The whole table for the user, and what to do next if a step failed. */
export function renderStatus(status: HostStatus): string {
  const { host, steps } = status;
  const reported = (name: string) => steps.some(({ step }) => step === name);
  const line = (name: string, title: string): string => {
    const report = steps.find(({ step }) => step === name);
    const mark = report === undefined ? "·" : MARKS[report.state];
    const rest = report === undefined ? "" : `${report.message} (${report.time})`;
    return `  ${mark} ${name.padEnd(11)} ${title.padEnd(29)} ${rest}`.trimEnd();
  };
  const inSetup = Object.entries(STEPS).filter(
    ([name]) => reported(name) || !(isReady(status) && NEW_STEPS.includes(name)),
  );
  const later = Object.entries(LATER_STEPS).filter(([name]) => reported(name));
  const table = [...inSetup, ...later].map(([name, title]) => line(name, title));
  const at = `${host.instance} --project ${host.project} --zone ${host.zone}`;
  const help = steps.some(({ step, state }) => isStep(step) && state === "failed")
    ? [
        `  The whole log: gcloud compute instances get-serial-port-output ${at}`,
        `  The machine tries again every minute. To restart it: gcloud compute instances reset ${at}`,
      ]
    : [];
  return [summarize(status), ...table, ...help, ""].join("\n");
}
