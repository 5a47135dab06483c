import { describe, expect, it } from "vitest";
import { renderNodeFirewall } from "../../../../infra/machine/node-firewall.ts";

const ARGS = {
  podCidrs: ["10.42.0.0/16", "fd42::/56"],
  serviceCidrs: ["10.43.0.0/16", "fd43::/112"],
  resolvers: ["169.254.169.254"],
  apiPort: 6443,
};

/** The lines of a block (`chain input`, `set pods4` …) of the rendered file, without comments. */
function block(file: string, head: string): string[] {
  const lines = file.split("\n");
  const start = lines.indexOf(`\t${head} {`);
  expect(start, `${head} is missing`).toBeGreaterThan(-1);
  const body = lines.slice(start + 1, lines.indexOf("\t}", start));
  return body.map((line) => line.trim()).filter((line) => !line.startsWith("#"));
}

describe("renderNodeFirewall", () => {
  const file = renderNodeFirewall(ARGS);

  it("replaces its own table in one transaction and names no other", () => {
    expect(
      file.split("\n").filter((line) => /^(table|delete|flush|add|destroy)/.test(line)),
    ).toEqual([
      "table inet node-firewall {",
      "delete table inet node-firewall",
      "table inet node-firewall {",
    ]);
  });

  it("forwards from pods by these rules and no others", () => {
    expect(block(file, "chain forward")).toEqual([
      "type filter hook forward priority filter + 10; policy accept;",
      "ct state established,related accept",
      "ct state new tcp dport { 8080, 4318, 8443, 5353, 7080 } jump connections",
      "ip daddr @pods4 accept",
      "ip6 daddr @pods6 accept",
      "ip saddr @pods4 jump pods-to-outside",
      "ip6 saddr @pods6 jump pods-to-outside",
      'limit rate 10/minute log prefix "node-firewall forward: "',
      "counter name forward drop",
    ]);
    expect(block(file, "chain pods-to-outside")).toEqual([
      "ip daddr @resolvers4 meta l4proto { tcp, udp } th dport 53 accept",
      "ip6 daddr @resolvers6 meta l4proto { tcp, udp } th dport 53 accept",
      "ip daddr 169.254.0.0/16 counter name link-local drop",
      "tcp dport 443 ip daddr != @not-public4 accept",
      "tcp dport 443 ip6 daddr != @not-public6 accept",
    ]);
  });

  it("limits a pod's connections to the ports that agents call, and refuses more at once", () => {
    expect(block(file, "chain connections")).toEqual([
      "ip saddr @pods4 ip daddr @pods4 add @connections4 { ip saddr ct count over 120 } goto too-many",
      "ip6 saddr @pods6 ip6 daddr @pods6 add @connections6 { ip6 saddr ct count over 120 } goto too-many",
    ]);
    expect(block(file, "chain too-many")).toEqual([
      'limit rate 10/minute log prefix "node-firewall connections: "',
      "counter name connections reject with icmpx port-unreachable",
    ]);
  });

  it("allows pods to reach the API server's port on the node", () => {
    expect(block(renderNodeFirewall({ ...ARGS, apiPort: 16443 }), "chain pods-to-node")[0]).toBe(
      "tcp dport 16443 accept",
    );
  });

  it("splits ranges and resolvers by address family", () => {
    const dual = renderNodeFirewall({ ...ARGS, resolvers: ["fd20:ce::254", "169.254.169.254"] });
    const elements = (name: string): string | undefined =>
      block(dual, `set ${name}`).find((line) => line.startsWith("elements"));
    expect(elements("pods4")).toBe("elements = { 10.42.0.0/16 }");
    expect(elements("pods6")).toBe("elements = { fd42::/56 }");
    expect(elements("resolvers4")).toBe("elements = { 169.254.169.254 }");
    expect(elements("resolvers6")).toBe("elements = { fd20:ce::254 }");
  });

  it("excludes the cluster's ranges from the public addresses, wherever they are", () => {
    const odd = renderNodeFirewall({ ...ARGS, serviceCidrs: ["8.8.0.0/16", "2600::/112"] });
    expect(block(odd, "set not-public4").at(-1)).toContain("10.42.0.0/16, 8.8.0.0/16 }");
    expect(block(odd, "set not-public6").at(-1)).toContain("fd42::/56, 2600::/112 }");
  });

  it("declares the IPv6 sets empty for a cluster without IPv6", () => {
    const single = renderNodeFirewall({ ...ARGS, podCidrs: ["10.42.0.0/16"] });
    expect(block(single, "set pods6").filter((line) => line.startsWith("elements"))).toEqual([]);
  });

  it.each([
    [{ podCidrs: [] }, "[podCidrs] is empty: give the cluster's pod ranges, e.g. 10.42.0.0/16"],
    [{ podCidrs: ["10.42.0.0"] }, '[podCidrs] "10.42.0.0" is not a valid CIDR'],
    [{ podCidrs: ["10.42.0.0/33"] }, '[podCidrs] "10.42.0.0/33" is not a valid CIDR'],
    [
      { serviceCidrs: ["10.43.0.0/16; drop"] },
      '[serviceCidrs] "10.43.0.0/16; drop" is not a valid CIDR',
    ],
    [{ resolvers: ["dns.example"] }, '[resolvers] "dns.example" is not a valid IP address'],
    [{ apiPort: 0 }, "[apiPort] 0 is not a port: give a number from 1 to 65535"],
  ])("refuses %j", (args, message) => {
    expect(() => renderNodeFirewall({ ...ARGS, ...args })).toThrow(new Error(message));
  });
});
