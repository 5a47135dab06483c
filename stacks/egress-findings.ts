import { variants } from "../components/gateway/paths/index.ts";
import {
  canInspect,
  inConfig,
  isMetered,
  type Variant,
} from "../components/gateway/paths/variant.ts";
import type { Finding } from "../components/schema/finding.ts";

/** Mistakes in `egress` for a path and its provider. The section can have any type. */
export function egressFindings(
  variant: Variant,
  egress: unknown,
  { upstreamHost }: { readonly upstreamHost: string | undefined },
): Finding[] {
  const { allow, inspect, serverFetch } = (egress ?? {}) as Readonly<Record<string, unknown>>;
  const inspected = Array.isArray(inspect)
    ? inspect.map((entry: unknown) => (entry as { host?: unknown } | null)?.host)
    : [];
  return [
    ...(!isMetered(variant) && serverFetch === "deny" ? [serverFetchFinding(variant)] : []),
    ...(Array.isArray(allow) && upstreamHost !== undefined
      ? upstreamFindings(allow, upstreamHost, (index) => ["allow", index])
      : []),
    ...(upstreamHost === undefined
      ? []
      : upstreamFindings(inspected, upstreamHost, (index) => ["inspect", index, "host"])),
    ...(inspected.length > 0 && !canInspect(variant) ? [inspectFinding(variant)] : []),
    ...(Array.isArray(allow) ? twiceFindings(allow, inspected) : []),
  ];
}

/** By TLS that is passed on, an agent could use a key of its own at the gateway's upstream. */
function upstreamFindings(
  hosts: readonly unknown[],
  upstreamHost: string,
  at: (index: string) => readonly string[],
): Finding[] {
  return hosts.flatMap((host, index) =>
    host === upstreamHost
      ? [
          {
            path: ["egress", ...at(String(index))],
            message:
              "is the gateway's own upstream: remove it, because agents reach it through the gateway",
          },
        ]
      : [],
  );
}

/** The paths that inspect hosts, for a message. */
export function inspectingPaths(): string {
  return variants.filter(canInspect).map(inConfig).join(", ");
}

function inspectFinding(variant: Variant): Finding {
  return {
    path: ["egress", "inspect"],
    message:
      `is not possible on path ${inConfig(variant)}: remove it with pulumi config rm --path egress.inspect, ` +
      `or choose another path (${inspectingPaths()})`,
  };
}

function twiceFindings(allow: readonly unknown[], inspected: readonly unknown[]): Finding[] {
  return inspected.flatMap((host, index) =>
    host !== undefined && allow.includes(host)
      ? [
          {
            path: ["egress", "inspect", String(index), "host"],
            message:
              "is in egress.allow too, which would let everything through: remove it from one of them",
          },
        ]
      : [],
  );
}

function serverFetchFinding(variant: Variant): Finding {
  const kept = variants.filter(isMetered).map(inConfig).join(", ");
  return {
    path: ["egress", "serverFetch"],
    message:
      `cannot be kept on path ${inConfig(variant)}, where no Envoy reads the requests: ` +
      `pulumi config set --path egress.serverFetch allow, or choose another path (${kept})`,
  };
}
