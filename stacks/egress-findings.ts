import { variants } from "../components/gateway/paths/index.ts";
import { inConfig, isMetered, type Variant } from "../components/gateway/paths/variant.ts";
import type { Finding } from "../components/schema/finding.ts";

/** Mistakes in `egress` for a path and its provider. The section can have any type. */
export function egressFindings(
  variant: Variant,
  egress: unknown,
  { upstreamHost }: { readonly upstreamHost: string | undefined },
): Finding[] {
  const { allow, serverFetch } = (egress ?? {}) as { allow?: unknown; serverFetch?: unknown };
  return [
    ...(!isMetered(variant) && serverFetch === "deny" ? [serverFetchFinding(variant)] : []),
    ...(Array.isArray(allow) && upstreamHost !== undefined
      ? upstreamFindings(allow, upstreamHost)
      : []),
  ];
}

/** By TLS that is passed on, an agent could use a key of its own at the gateway's upstream. */
function upstreamFindings(allow: readonly unknown[], upstreamHost: string): Finding[] {
  return allow.flatMap((host, index) =>
    host === upstreamHost
      ? [
          {
            path: ["egress", "allow", String(index)],
            message:
              "is the gateway's own upstream: remove it, because agents reach it through the gateway",
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
