import { type EnvoyConfigArgs, tlsHosts, upstreamHost } from "../args.ts";
import { canInspect } from "../../paths/variant.ts";

/** Throws when a host cannot be inspected. */
export function checkInspected(args: EnvoyConfigArgs): void {
  const { variant, inspect = [] } = args;
  const hosts = new Set<string>();
  for (const { host, rules, credential, signed } of inspect) {
    if (!canInspect(variant)) {
      throw new Error(`path ${variant.name} cannot inspect ${host}: remove it`);
    }
    if (host === upstreamHost(args)) {
      throw new Error(
        `${host} must not be inspected: agents reach it through the gateway; remove it`,
      );
    }
    if (hosts.has(host) || tlsHosts(args).includes(host)) {
      throw new Error(`${host} is listed twice, as an inspected host or in allowHosts: remove one`);
    }
    if (credential === undefined && rules.some(({ agents }) => agents !== undefined)) {
      throw new Error(`${host} has no credential, so its rules cannot name agents: give it one`);
    }
    if (credential !== undefined && signed === true) {
      throw new Error(`${host} has a credential, so its requests are not signed: remove one`);
    }
    hosts.add(host);
  }
}
