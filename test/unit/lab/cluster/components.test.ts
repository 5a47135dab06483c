import { expect, test } from "vitest";
import { components, configFiles } from "../../../lab/cluster/components.ts";
import { openLab } from "../../../lab/cluster/lab.ts";

const parts = {
  kubernetes: "/p/kubernetes",
  etcd: "/p/etcd",
  coredns: "/p/coredns",
  netpol: "/p/netpol",
};
const lab = openLab();
const programs = components(lab, parts);
const files = configFiles(lab);

function json(file: string): Record<string, unknown> {
  return JSON.parse(files[file] ?? "") as Record<string, unknown>;
}

test("each program has its own name, which is used for its log and pid file", () => {
  const names = Object.values(programs).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test("the API server has k3s's access settings", () => {
  expect(programs.apiServer.argv).toEqual(
    expect.arrayContaining([
      "--anonymous-auth=false",
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--service-cluster-ip-range=10.43.0.0/16,fd43::/112",
    ]),
  );
});

test("only the node's processes can reach etcd and the control plane's own ports", () => {
  const etcdListens = programs.etcd.argv.filter((arg) => arg.startsWith("--listen"));
  expect(etcdListens.map((arg) => new URL(arg.split("=")[1] ?? "").hostname)).toEqual([
    "127.0.0.1",
    "127.0.0.1",
  ]);
  for (const { argv } of [programs.controllerManager, programs.scheduler])
    expect(argv).toContain("--bind-address=127.0.0.1");
  expect(json("etc/kube-proxy.json")).toMatchObject({
    metricsBindAddress: "127.0.0.1:10249",
    healthzBindAddress: "127.0.0.1:10256",
  });
});

test("the kubelet uses the lab's cgroup and authenticates clients", () => {
  expect(json("etc/kubelet.json")).toMatchObject({
    cgroupRoot: `/${lab.cgroup}`,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
    authorization: { mode: "Webhook" },
    clusterDNS: ["10.43.0.10"],
  });
});

test("no component changes settings of the whole machine", () => {
  expect(json("etc/kube-proxy.json")).toMatchObject({
    conntrack: { maxPerCore: 0 },
    oomScoreAdj: 0,
  });
  expect(json("etc/kubelet.json")).toMatchObject({ oomScoreAdj: 0, makeIPTablesUtilChains: false });
  expect(files["etc/containerd.toml"]).toContain("restrict_oom_score_adj = true");
});

test("only the resolver runs outside the node", () => {
  const outside = Object.values(programs).filter(({ netns }) => netns === "internet");
  expect(outside.map(({ name }) => name)).toEqual(["resolver"]);
});

test("the node's resolver has the address of Google Cloud's resolver", () => {
  expect(files["resolv.conf"]).toBe("nameserver 169.254.169.254\n");
});
