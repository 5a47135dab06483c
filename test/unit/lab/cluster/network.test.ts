import { expect, test } from "vitest";
import {
  FOREIGN_RESOLVERS,
  INTERNET_HOSTS,
  cniConfig,
  internetLinks,
  masqueradeRules,
  nodeLinks,
  resolverCorefile,
  rootZone,
} from "../../../lab/cluster/network.ts";

const linesOf = (text: string) => text.trim().split("\n");

test("every outside address is on internet's loopback interface, once", () => {
  const added = linesOf(internetLinks()).filter((line) => line.includes(" dev lo"));
  const addresses = added.map((line) => line.split(" ")[2]);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(addresses.sort()).toEqual(
    [
      "1.1.1.1/32",
      "104.16.0.35/32",
      "140.82.112.14/32",
      "140.82.112.18/32",
      "140.82.112.3/32",
      "140.82.112.5/32",
      "140.82.112.9/32",
      "142.250.31.102/32",
      "142.250.31.82/32",
      "142.250.31.95/32",
      "160.79.104.10/32",
      "169.254.169.254/32",
      "185.199.108.133/32",
      "185.199.108.154/32",
      "203.0.113.10/32",
      "203.0.113.20/32",
      "52.216.8.11/32",
      "3.218.180.106/32",
      "2606:4700:4700::1111/128",
      "fd5e:1::10/128",
      "8.8.8.8/32",
      "93.184.215.14/32",
    ].sort(),
  );
});

test("the node's only way out, for both families, is the link to internet", () => {
  expect(linesOf(nodeLinks()).filter((line) => line.startsWith("route"))).toEqual([
    "route add default via 10.90.0.1",
    "route add default via fd90::1 dev eth0 onlink",
  ]);
});

test("the zone contains each host with its address, and no wildcard", () => {
  const records = linesOf(rootZone()).slice(2);
  for (const [name, address] of Object.entries(INTERNET_HOSTS))
    expect(records).toContain(`${name}. IN ${address.includes(":") ? "AAAA" : "A"} ${address}`);
  // SOA, NS and the resolver's own record.
  expect(records).toHaveLength(Object.keys(INTERNET_HOSTS).length + 3);
  expect(rootZone()).not.toContain("*");
});

test("the resolver also answers on the foreign resolvers' addresses, so that queries to them are noticed", () => {
  const bind = linesOf(resolverCorefile("/zone")).find((line) => line.includes("bind"));
  expect(bind?.trim()).toBe(`bind 169.254.169.254 ${FOREIGN_RESOLVERS.join(" ")}`);
});

test("traffic between pods keeps its source address", () => {
  expect(masqueradeRules()).toContain(
    "ip saddr 10.42.0.0/16 ip daddr != { 10.42.0.0/16, 224.0.0.0/4 } masquerade",
  );
});

test("pods use k3s's bridge, have an address of each family, and need no iptables", () => {
  const { plugins } = JSON.parse(cniConfig()) as { plugins: Record<string, unknown>[] };
  expect(plugins).toHaveLength(1);
  expect(plugins[0]).toMatchObject({
    type: "bridge",
    bridge: "cni0",
    ipMasq: false,
    ipam: { ranges: [[{ subnet: "10.42.0.0/24" }], [{ subnet: "fd42::/64" }]] },
  });
});
