import type {
  Files,
  EnvoyConfigArgs,
  LiteLlmSecrets,
} from "../../../../components/gateway/envoy/args.ts";
import {
  renderEnvoyConfig,
  renderEnvoySecrets,
} from "../../../../components/gateway/envoy/render.ts";
import { meter } from "../../../../components/gateway/envoy/metering.ts";
import { fileText, type Message } from "../../../../components/gateway/envoy/proto.ts";
import { AGENT_ROUTES } from "../../../../components/gateway/envoy/routes.ts";
import { MAX_REQUESTS } from "../../../../components/gateway/envoy/limits.ts";
import { fileNames } from "../../../../components/gateway/envoy/volumes.ts";
import { REQUESTS_FILE } from "../../../../components/usage/record/place.ts";
import { Envoy, eventually } from "../../../envoy-process/envoy.ts";
import { toApi, toGateway } from "./direct.ts";
import { AGENT, REAL_KEY, type Setting, type Subject, TOKEN, UPSTREAM_HOST } from "./subject.ts";
import { envoySni as envoySniVariant } from "../../../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate as envoyTerminateVariant } from "../../../../components/gateway/paths/envoy-terminate.ts";

const ARGS = { variant: envoyTerminateVariant, credentialKind: "apiKey", record: true } as const;

/** Path `envoy` in mode terminate, with the rendered configuration. */
export async function envoyTerminate(setting: Setting): Promise<Subject> {
  const envoy = await startEnvoy(setting, filesOf(ARGS));
  let agents = 1;
  return {
    name: "envoy",
    to: toGateway(envoy.ports.agents, TOKEN),
    toOfOther: toGateway(envoy.ports.agents, otherToken(0)),
    pids: pidsOf(envoy),
    async useAgents(count) {
      // The same file again would not be read.
      if (count === agents) return;
      agents = count;
      const reloads = await envoy.stat(RELOADS);
      await envoy.updateSecrets(secretsOf(ARGS, { agentCount: count }));
      await eventually(
        () => envoy.stat(RELOADS),
        (now) => now > reloads,
      );
    },
    stop: () => envoy.stop(),
  };
}

/** How often Envoy has replaced the agents' routes. */
const RELOADS = `http.agents.rds.${AGENT_ROUTES}.config_reload`;

/** The same path without the filter that counts tokens. */
export async function envoyUnmetered(setting: Setting): Promise<Subject> {
  const files = filesOf(ARGS);
  const { name: meterName } = meter([]);
  const withoutMeter = (_key: string, value: unknown): unknown =>
    Array.isArray(value)
      ? value.filter((item: { name?: unknown } | null) => item?.name !== meterName)
      : value;
  const listeners = JSON.parse(files.config[fileNames.listeners] ?? "", withoutMeter) as Message;
  const config = { ...files.config, [fileNames.listeners]: fileText(listeners) };
  const envoy = await startEnvoy(setting, { ...files, config });
  return {
    name: "envoy-unmetered",
    to: toGateway(envoy.ports.agents, TOKEN),
    pids: pidsOf(envoy),
    stop: () => envoy.stop(),
  };
}

/** The rendered files of both volumes. The record goes nowhere, because nothing would rotate it here. */
export function filesOf(
  args: EnvoyConfigArgs,
  litellm?: LiteLlmSecrets,
): { readonly config: Files; readonly secrets: Files } {
  const config = Object.entries(renderEnvoyConfig(args)).map(
    ([name, text]) => [name, text.replaceAll(REQUESTS_FILE, "/dev/null")] as const,
  );
  return { config: Object.fromEntries(config), secrets: secretsOf(args, litellm && { litellm }) };
}

/** Path `envoy` in mode sni, with the rendered configuration. */
export async function envoySni(setting: Setting): Promise<Subject> {
  const config = renderEnvoyConfig({ variant: envoySniVariant, allowHosts: [] });
  const envoy = await startEnvoy(setting, { config });
  return {
    name: "envoy-sni",
    to: toApi(setting, envoy.ports.sni),
    pids: pidsOf(envoy),
    stop: () => envoy.stop(),
  };
}

/** An Envoy with rendered files between loopback ports; it finds the upstream and `hosts` there. */
export function startEnvoy(
  { upstreamPort, pin, cpus }: Setting,
  files: { readonly config: Files; readonly secrets?: Files },
  hosts: Readonly<Record<string, number>> = {},
): Promise<Envoy> {
  return Envoy.start({
    ...files,
    hosts: { [`${UPSTREAM_HOST}:443`]: upstreamPort, ...hosts },
    startedBy: pin,
    concurrency: cpus,
    readLog: false,
  });
}

/** The secrets of the benchmark's agent and of others, and what Envoy and LiteLLM show each other. */
function secretsOf(
  args: EnvoyConfigArgs,
  { agentCount = 1, litellm }: { agentCount?: number; litellm?: LiteLlmSecrets } = {},
): Files {
  const others = Array.from({ length: agentCount - 1 }, (_, index) => ({
    name: `other-${index}`,
    tokens: [otherToken(index)],
  }));
  // One agent opens all streams.
  const unlimited = { ...args, maxRequests: { [AGENT]: 2 * MAX_REQUESTS } };
  return renderEnvoySecrets(unlimited, {
    agents: [{ name: AGENT, tokens: [TOKEN] }, ...others],
    credential: REAL_KEY,
    litellm,
  });
}

function otherToken(index: number): string {
  return `other-agent-token-${index}`;
}

/** Empty until Envoy is started. */
export function pidsOf(envoy: Envoy): readonly number[] {
  return envoy.pid === undefined ? [] : [envoy.pid];
}
