import { expect, test } from "vitest";
import {
  coreDnsArgs,
  renderEgressDnsFiles,
} from "../../../../../components/egress/dns/corefile.ts";

const files = renderEgressDnsFiles({
  mountPath: "/etc/coredns",
  addresses: { "github.com": "10.43.1.2", "gateway.llm.svc.cluster.local": "10.43.1.2" },
});

test("CoreDNS is authoritative for every name and forwards no query", () => {
  expect(files.Corefile?.match(/^ {4}\w.*$/gm)).toEqual([
    "    errors",
    "    health :8080 {",
    "    ready :8181",
    "    file /etc/coredns/zone .",
  ]);
  expect(files.Corefile?.split("\n")[0]).toBe(".:5353 {");
});

test("the zone contains exactly the given names, sorted", () => {
  expect(files.zone).toBe(
    [
      "$TTL 30",
      ". SOA egress-dns. egress-dns. 1 3600 600 86400 30",
      ". NS egress-dns.",
      "gateway.llm.svc.cluster.local. A 10.43.1.2",
      "github.com. A 10.43.1.2",
      "",
    ].join("\n"),
  );
});

test("CoreDNS reads the rendered file", () => {
  const [, file = ""] = coreDnsArgs("/etc/coredns");
  expect(Object.keys(files).map((name) => `/etc/coredns/${name}`)).toContain(file);
});
