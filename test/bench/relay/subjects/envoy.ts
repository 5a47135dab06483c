import type {
  Files,
  EnvoyConfigArgs,
  LiteLlmSecrets,
} from "../../../../components/gateway/envoy/args.ts";
import {
  renderEnvoyConfig,
  renderEnvoySecrets,
} from "../../../../components/gateway/envoy/render.ts";
import { Envoy } from "../../../envoy-process/envoy.ts";
import { toApi, toGateway } from "./direct.ts";
import { REAL_KEY, type Setting, type Subject, TOKEN, UPSTREAM_HOST } from "./subject.ts";
import { envoySni as envoySniVariant } from "../../../../components/gateway/paths/envoy-sni.ts";
import { envoyTerminate as envoyTerminateVariant } from "../../../../components/gateway/paths/envoy-terminate.ts";

/** Path `envoy` in mode terminate, with the rendered configuration. */
export async function envoyTerminate(setting: Setting): Promise<Subject> {
  const args = { variant: envoyTerminateVariant, credentialKind: "apiKey" } as const;
  const envoy = await startEnvoy(setting, {
    config: renderEnvoyConfig(args),
    secrets: secretsOf(args),
  });
  return {
    name: "envoy",
    to: toGateway(envoy.ports.agents, TOKEN),
    pids: pidsOf(envoy),
    stop: () => envoy.stop(),
  };
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

/** The files with the token of the benchmark's agent, the real key, and what Envoy and LiteLLM show each other. */
export function secretsOf(args: EnvoyConfigArgs, litellm?: LiteLlmSecrets): Files {
  const agents = [{ name: "dev-e", tokens: [TOKEN] }];
  return renderEnvoySecrets(args, { agents, credential: REAL_KEY, litellm });
}

/** Empty until Envoy is started. */
export function pidsOf(envoy: Envoy): readonly number[] {
  return envoy.pid === undefined ? [] : [envoy.pid];
}
