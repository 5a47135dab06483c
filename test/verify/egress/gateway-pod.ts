import { UPSTREAM_HOST } from "../../../components/gateway/api/upstream.ts";
import { INTERNET_HOSTS } from "../../lab/cluster/network.ts";
import type { Surroundings } from "./attempt.ts";
import type { AttemptResult } from "./report.ts";
import type { Means } from "./tries.ts";
import { arrivalKey, newArrivals } from "./witness.ts";

/** A unique local address, which the gateway's pods do not need. */
const AIM = {
  protocol: "tcp",
  address: INTERNET_HOSTS["unique-local.example"] ?? "",
  port: 443,
} as const;

// Envoy's image has no programs. The drain helper in the same pod shares its network and has Node.
const NODE = `
const dial = (host) => new Promise((resolve) => {
  const socket = require("node:net").connect(${AIM.port}, host, () => resolve("answered"));
  socket.on("error", ({ code }) => resolve(code)).setTimeout(3000, () => resolve("silent"));
});
Promise.all(process.argv.slice(1).map(dial)).then((said) => { console.log(JSON.stringify(said)); process.exit(); });
`;
const PYTHON = `
import json, socket, sys
def dial(host):
    try:
        socket.create_connection((host, ${AIM.port}), 3).close()
        return "answered"
    except OSError as error: return str(error)
print(json.dumps([dial(host) for host in sys.argv[1:]]))
`;

/** Checks that the only pod with a way out cannot reach private addresses, while it can reach the upstream. */
export async function measureGatewayPod(
  { variant, gatewayNamespace }: Pick<Surroundings, "variant" | "gatewayNamespace">,
  { target, witness }: Pick<Means, "target" | "witness">,
): Promise<AttemptResult> {
  const container = variant === "litellm" ? "litellm" : "drain";
  const program = variant === "litellm" ? ["python3", "-c", PYTHON] : ["node", "-e", NODE];
  const before = await witness?.arrivals();
  const printed = await target.kubectl([
    ...["exec", `--namespace=${gatewayNamespace}`, "service/gateway"],
    ...[`--container=${container}`, "--", ...program, AIM.address, UPSTREAM_HOST],
  ]);
  const after = await witness?.arrivals();
  const [said, control] = JSON.parse(printed) as [string, string];
  const arrived = before && after ? newArrivals(before, after).get(arrivalKey(AIM)) : undefined;
  const seen = `${arrived === undefined ? "" : `outside arrived ${arrived} packets; `}the pod got "${said}", and from the upstream "${control}"`;
  const held = said !== "answered" && arrived === undefined && control === "answered";
  return {
    id: "gateway.unique-local",
    title: "a unique local IPv6 address, from the gateway's own pod",
    expected: "blocked",
    rings: ["policy", "firewall"],
    status: held ? "pass" : "fail",
    evidence: seen,
  };
}
