import { readFileSync } from "node:fs";

import { RELEASE_KEY } from "./k3s-release.ts";
import {
  API_SERVER_FILES,
  CONFIG_DIR,
  DATA_DIR,
  KUBELET_CONFIG,
  type MachineFile,
  METADATA_ADDRESS,
  renderAdmissionConfig,
  renderAuditPolicy,
  renderK3sConfig,
  renderSysctls,
} from "./k3s-config.ts";
import { MAINTENANCE_KEY } from "./maintenance.ts";
import { LOGGING_KEY } from "./ops-agent.ts";
import {
  DRAIN_SECONDS,
  gracefulShutdown,
  kubeletSettings,
  LOGIND_DELAY,
  renderKubeletConfig,
  renderLogindDelay,
} from "./node-settings.ts";
import { providerFiles, providerFlags } from "./registries/registries.ts";
import { renderJournalLimit, renderK3sUnit, renderWatchUnit } from "./units.ts";

/** Our metadata keys besides {@link RELEASE_KEY}. Their values are names of secrets, never secrets. */
export const TOKEN_SECRET_KEY = "claude-gateway-token-secret";
export const KUBECONFIG_SECRET_KEY = "claude-gateway-kubeconfig-secret";

/** Paths of the script's parts on the machine. */
export const SELF = "/usr/local/sbin/claude-gateway-host";
export const FIREWALL = "/etc/claude-gateway/node-firewall.nft";
const SYSCTLS = "/etc/sysctl.d/90-claude-gateway.conf";

/** How long the script retries: the network and IAM grants take some time to work. */
export interface Patience {
  readonly attempts: number;
  readonly retrySeconds: number;
  /** How long one wait on the metadata key lasts, in seconds; after each wait the machine checks its kubeconfig. */
  readonly watchSeconds: number;
}

export interface StartupScriptArgs {
  /** Name of the machine and of the cluster's only node. */
  readonly nodeName: string;
  /** nftables rule set of the node; loading it twice is safe. */
  readonly nodeFirewall: string;
  /** Longest time that agents' pods get to end before the machine shuts down. Default {@link DRAIN_SECONDS}. */
  readonly drainSeconds?: number;
  /** Host names of the registries with pull credentials. Default none. */
  readonly registries?: readonly string[];
  /** Default: five minutes of retries, and five minutes for one wait. */
  readonly patience?: Patience;
  /** Size of the file system of k3s's datastore, in MiB. It never changes on a machine that has one. Default 2048. */
  readonly datastoreMib?: number;
}

const PARTS = [
  "report",
  "google",
  "boot-disk",
  "machine",
  "datastore",
  "k3s",
  "upgrade",
  "maintenance",
  "logging",
  "alerts",
  "main",
] as const;

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function putFile({ mode, path, content }: MachineFile): string {
  const end = "END_OF_FILE";
  if (!content.endsWith("\n") || content.split("\n").includes(end)) {
    throw new Error(
      `${path} cannot be a here-document: it does not end with a newline, or it contains the line ${end}`,
    );
  }
  return `  put_file ${mode} ${path} <<'${end}'\n${content}${end}\n`;
}

/**
 * Renders the script that sets the machine up at each boot, for `metadata["startup-script"]`. It contains no version and
 * no secret (they come from metadata keys and Secret Manager), so it changes only when the set-up itself changes.
 */
export function renderStartupScript(args: StartupScriptArgs): string {
  const patience = args.patience ?? { attempts: 60, retrySeconds: 5, watchSeconds: 300 };
  const constants = {
    METADATA: `http://${METADATA_ADDRESS}/computeMetadata/v1`,
    SECRET_MANAGER: "https://secretmanager.googleapis.com/v1",
    RELEASES: "https://github.com/k3s-io/k3s/releases/download",
    RELEASE_KEY,
    TOKEN_SECRET_KEY,
    KUBECONFIG_SECRET_KEY,
    MAINTENANCE_KEY,
    LOGGING_KEY,
    RUN: "/run/claude-gateway",
    DATA_DIR,
    STATE: `${DATA_DIR}/claude-gateway`,
    SELF,
    FIREWALL,
    SYSCTLS,
    TOKEN_FILE: `${CONFIG_DIR}/token`,
    DATASTORE_MIB: String(args.datastoreMib ?? 2048),
    NODE_NAME: args.nodeName,
    ATTEMPTS: String(patience.attempts),
    RETRY_SECONDS: String(patience.retrySeconds),
    WATCH_SECONDS: String(patience.watchSeconds),
  };
  const drainSeconds = args.drainSeconds ?? DRAIN_SECONDS;
  const kubelet = { ...kubeletSettings, ...gracefulShutdown(drainSeconds) };
  const files: MachineFile[] = [
    { path: SYSCTLS, mode: "0644", content: renderSysctls() },
    { path: FIREWALL, mode: "0644", content: args.nodeFirewall },
    {
      path: `${CONFIG_DIR}/config.yaml`,
      mode: "0600",
      content: renderK3sConfig({ nodeName: args.nodeName, kubeletFlags: providerFlags() }),
    },
    { path: KUBELET_CONFIG, mode: "0600", content: renderKubeletConfig(kubelet) },
    { path: LOGIND_DELAY, mode: "0644", content: renderLogindDelay(drainSeconds) },
    ...providerFiles(args.registries ?? []),
    { path: API_SERVER_FILES.admissionConfig, mode: "0600", content: renderAdmissionConfig() },
    { path: API_SERVER_FILES.auditPolicy, mode: "0600", content: renderAuditPolicy() },
    {
      path: `${CONFIG_DIR}/resolv.conf`,
      mode: "0644",
      content: `nameserver ${METADATA_ADDRESS}\n`,
    },
    {
      path: "/etc/systemd/journald.conf.d/90-claude-gateway.conf",
      mode: "0644",
      content: renderJournalLimit(),
    },
    { path: "/etc/systemd/system/k3s.service", mode: "0644", content: renderK3sUnit(FIREWALL) },
    {
      path: "/etc/systemd/system/claude-gateway-watch.service",
      mode: "0644",
      content: renderWatchUnit(SELF),
    },
  ];
  return [
    "#!/bin/bash",
    "# Sets this machine up for claude-gateway, at each boot. Rendered by infra/machine/startup-script.ts; make changes there.",
    "set -Eeuo pipefail",
    "shopt -s inherit_errexit",
    "",
    ...Object.entries(constants).map(([name, value]) => `readonly ${name}=${quote(value)}`),
    `write_files() {\n${files.map(putFile).join("")}}`,
    "",
    ...PARTS.map((part) => readFileSync(new URL(`startup/${part}.sh`, import.meta.url), "utf8")),
  ].join("\n");
}
