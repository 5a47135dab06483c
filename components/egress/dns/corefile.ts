import { DNS_PORT } from "../../kubernetes/ports.ts";

/** Where CoreDNS tells that it is ready, and that it lives; asked by the node only. */
export const DNS_PROBES = { ready: 8181, health: 8080 } as const;

/** File names of the ConfigMap. */
const COREFILE = "Corefile";
const ZONE = "zone";

export interface EgressDnsFilesArgs {
  /** Folder that the files are mounted at. */
  readonly mountPath: string;
  /** Address by name: everything that is known. */
  readonly addresses: Readonly<Record<string, string>>;
}

/**
 * Files of a CoreDNS that is the whole world's authority, and forwards nothing: a name that is not given does not exist,
 * so that no look-up carries anything out. Names that are given have an address of IPv4 and no other records.
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
