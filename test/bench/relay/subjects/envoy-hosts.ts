import type { EnvoyConfigArgs } from "../../../../components/gateway/envoy/args.ts";
import { envoyTerminate } from "../../../../components/gateway/paths/envoy-terminate.ts";
import type { Envoy } from "../../../envoy-process/envoy.ts";
import { toApi, toGateway } from "./direct.ts";
import { filesOf, pidsOf, startEnvoy } from "./envoy.ts";
import { ALLOWED_HOST, allowedHosts, type Setting, type Subject, TOKEN } from "./subject.ts";

/** The API through path `envoy`, mode terminate, with so many hosts in `egress.allow`. */
export async function apiBesideHosts(
  name: Subject["name"],
  setting: Setting,
  hosts: number,
): Promise<Subject> {
  const envoy = await withHosts(setting, hosts);
  return subject(name, envoy, toGateway(envoy.ports.agents, TOKEN));
}

/** The last of so many allowed hosts, whose TLS Envoy passes on by name. */
export async function hostBehindEnvoy(
  name: Subject["name"],
  setting: Setting,
  hosts: number,
): Promise<Subject> {
  const envoy = await withHosts(setting, hosts);
  return subject(name, envoy, toApi(setting, envoy.ports.sni, ALLOWED_HOST));
}

function withHosts(setting: Setting, hosts: number): Promise<Envoy> {
  const args: EnvoyConfigArgs = {
    variant: envoyTerminate,
    credentialKind: "apiKey",
    record: true,
    allowHosts: allowedHosts(hosts),
  };
  const ports = allowedHosts(hosts).map((host) => [`${host}:443`, setting.upstreamPort] as const);
  return startEnvoy(setting, filesOf(args), Object.fromEntries(ports));
}

function subject(name: Subject["name"], envoy: Envoy, to: readonly string[]): Subject {
  return { name, to, pids: pidsOf(envoy), stop: () => envoy.stop() };
}
