import { z } from "zod";

/** A Kubernetes name that is a DNS label: namespaces, agents, Services. */
export const KubernetesName = z
  .string()
  .max(63, "is longer than the 63 characters Kubernetes allows")
  .regex(
    /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
    "is not a Kubernetes name: use lower-case letters, digits and dashes, starting with a letter",
  );

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `"90s"`, `"30m"`, `"24h"` or `"7d"`; more than zero. */
export const Duration = z
  .string()
  .regex(
    /^[1-9][0-9]*[smhd]$/,
    'is not a duration: write a whole number and a unit, for example "30m", "24h" or "7d"',
  );

/** Seconds in a {@link Duration}. */
export function durationSeconds(duration: string): number {
  const unit = duration.slice(-1) as keyof typeof UNIT_SECONDS;
  return Number(duration.slice(0, -1)) * UNIT_SECONDS[unit];
}

/** Why `value` is not an exact host name; `undefined` when it is one. */
export function hostNameProblem(value: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value)) {
    return `is a URL: write only the host name, "${value.replace(/^[^/]*\/\//, "").replace(/[/:].*$/, "")}"`;
  }
  if (value.includes("*")) {
    return "is a wildcard: list each host name, because a wildcard also allows names that nobody reviewed";
  }
  if (/\/\d+$/.test(value)) {
    return "is a CIDR block: a CDN changes its addresses and shares them with other sites; list host names";
  }
  if (/^\[?[0-9a-f:]*:[0-9a-f:]*:[0-9a-f.:]*\]?$/i.test(value) || /^\d+(\.\d+){3}$/.test(value)) {
    return "is an IP address: a CDN changes its addresses and shares them with other sites; list the host name";
  }
  if (/:\d+$/.test(value)) {
    return `includes a port: only TCP 443 is opened; write "${value.replace(/:\d+$/, "")}"`;
  }
  if (value.includes("/")) return "includes a path: write only the host name";
  if (value !== value.toLowerCase())
    return `has upper-case letters: write "${value.toLowerCase()}"`;
  if (value.endsWith(".")) return `ends with a dot: write "${value.slice(0, -1)}"`;
  if (
    value.length > 253 ||
    !/^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)
  ) {
    return 'is not a fully qualified host name, such as "github.com"';
  }
  return undefined;
}

/** An exact, lower-case, fully qualified host name. */
export const HostName = z.string().superRefine((value, context) => {
  const message = hostNameProblem(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});
