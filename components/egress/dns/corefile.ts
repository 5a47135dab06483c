import { DNS_PORT } from "../../kubernetes/ports.ts";

/** Ports of CoreDNS's readiness and liveness checks. Only the node calls them. */
export const DNS_PROBES = { ready: 8181, health: 8080 } as const;

/** File names of the ConfigMap. */
const COREFILE = "Corefile";
const ZONE = "zone";

export interface EgressDnsFilesArgs {
  /** Folder that the files are mounted at. */
  readonly mountPath: string;
  /** Address by name: all names that exist. */
  readonly addresses: Readonly<Record<string, string>>;
}

/**
 * Files of a CoreDNS that is authoritative for every name and forwards nothing, so that no look-up can carry data out.
 * Each given name has one IPv4 address and no other records; any other name does not exist.
 */
export function renderEgressDnsFiles(args: EgressDnsFilesArgs): Record<string, string> {
  return { [COREFILE]: corefile(args.mountPath), [ZONE]: zone(args.addresses) };
}

/** Arguments of the `coredns` binary. */
export function coreDnsArgs(mountPath: string): string[] {
  return ["-conf", `${mountPath}/${COREFILE}`];
}

function corefile(mountPath: string): string {
  return `.:${DNS_PORT} {
    errors
    health :${DNS_PROBES.health} {
        # Longer than kube-proxy needs to send look-ups elsewhere.
        lameduck 5s
    }
    ready :${DNS_PROBES.ready}
    file ${mountPath}/${ZONE} .
}
`;
}

function zone(addresses: EgressDnsFilesArgs["addresses"]): string {
  const records = Object.entries(addresses)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, address]) => `${name}. A ${address}`);
  return `${["$TTL 30", ". SOA egress-dns. egress-dns. 1 3600 600 86400 30", ". NS egress-dns.", ...records].join("\n")}\n`;
}
