import type { GatewayVariant } from "../../components/gateway/variant.ts";

/** What the attempts need to know of a deployed stack. */
export interface Surroundings {
  readonly variant: GatewayVariant;
  /** Namespace of the agent that attempts are made from. */
  readonly agent: string;
  readonly gatewayNamespace: string;
  /** Address of the Service `gateway`. */
  readonly gatewayAddress: string;
  /** Addresses of the gateway namespace's pods, by role. */
  readonly pods: Readonly<Record<string, string>>;
  /** Address of the agents' DNS. */
  readonly dnsAddress: string;
  readonly clusterDns: string;
  readonly apiServerAddress: string;
  readonly nodeAddress: string;
}

/** What holds an attempt back. */
export type Ring = "policy" | "dns" | "firewall" | "gateway" | "admission" | "capabilities";

/** A destination outside the cluster, as the far side sees it. */
export interface Arrival {
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly address: string;
  readonly port?: number;
}

interface Common {
  readonly id: string;
  readonly title: string;
  /** Variants that the attempt makes sense on. Default every one. */
  readonly variants?: readonly GatewayVariant[];
  /** Rings that hold it, each of them alone. */
  readonly rings: readonly [Ring, ...Ring[]];
}

/** A way out, tried from inside a container. */
export interface Attempt extends Common {
  readonly expected: "blocked" | "refused by the gateway" | "limit";
  /** Whose container it is tried from. Default an agent's. */
  readonly from?: "agent" | "litellm";
  /** Body of a Python function; it returns text when it got through, and raises when it did not. */
  readonly python: (around: Surroundings) => string;
  /** Where packets would arrive if it got out of the cluster. */
  readonly arrives?: Arrival;
  /** For a limit: why it is one. */
  readonly reason?: string;
}

/** A pod that must not be let into an agent's namespace; nothing is created. */
export interface BadPod extends Common {
  readonly expected: "blocked";
  /** Changes a pod that would be let in. */
  readonly spoil: (pod: Pod) => void;
}

/** A pod as far as rows change it. */
export interface Pod {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  spec: Record<string, unknown> & {
    initContainers: Record<string, unknown>[];
    containers: Record<string, unknown>[];
    volumes: Record<string, unknown>[];
  };
}

/** The label that look-ups carry out: the resolver outside must never be asked for it. */
export const SECRET_LABEL = "carries-a-secret";

/** Functions that attempts use; each raises unless somebody answered. */
export const PYTHON_PRELUDE = `
import http.client, os, socket, ssl, struct, sys, urllib.parse
SECONDS = 2
def tcp(address, port):
    return socket.create_connection((address, port), SECONDS)
def tls(address, port, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(tcp(address, port), server_hostname=name)
def reached(address, port):
    tcp(address, port).close()
    return f"connected to {address} port {port}"
def question(name, kind=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 1, 256, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">HH", kind, 1)
def udp(address, port, payload):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(SECONDS)
        s.connect((address, port))
        s.send(payload)
        return s.recv(4096)
def answered(answer, name):
    if answer[3] & 15 != 0 or answer[6:8] == b"\\0\\0":
        raise OSError(f"{name}: answered with code {answer[3] & 15} and no address")
    return f"{name}: answered with an address"
def resolve_udp(address, name):
    return answered(udp(address, 53, question(name)), name)
def resolve_tcp(address, name):
    with tcp(address, 53) as s:
        asked = question(name)
        s.sendall(struct.pack(">H", len(asked)) + asked)
        return answered(s.recv(4096)[2:], name)
def http_status(address, port, method, path, headers={}, body=None, host=None):
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request(method, path, body, {**({"Host": host} if host else {}), **headers})
    return connection.getresponse()
def expect_ok(response):
    text = response.read(300).decode(errors="replace")
    if response.status >= 400:
        raise OSError(f"status {response.status}: {text}")
    return f"status {response.status}: {text}"
`;
