import { join } from "node:path";
import { expect, test } from "vitest";
import {
  API_SERVER_FILES,
  CONFIG_DIR,
  KUBELET_CONFIG,
  renderAdmissionConfig,
  renderAuditPolicy,
  renderSysctls,
} from "../../../../infra/machine/k3s-config.ts";
import {
  PROVIDER,
  PROVIDER_CONFIG,
  PROVIDER_DIR,
  providerFlags,
} from "../../../../infra/machine/registries/registries.ts";
import { renderStartupScript } from "../../../../infra/machine/startup-script.ts";
import { components, configFiles } from "../../../lab/cluster/components.ts";
import { asConfiguration, kubeletDifferences } from "../../../lab/cluster/differences.ts";
import { k3sKubeletDefaults, overlaid } from "../../../lab/cluster/k3s.ts";
import { openLab } from "../../../lab/cluster/lab.ts";

const lab = openLab();
const files = configFiles(lab);
const parts = { kubernetes: "/k", etcd: "/e", coredns: "/c", netpol: "/n" };
const programs = components(lab, parts);
const script = renderStartupScript({ nodeName: "host", nodeFirewall: "table inet t {}\n" });
const k3s = JSON.parse(hostFile(`${CONFIG_DIR}/config.yaml`)) as Record<string, string[]>;

/** A file as the startup script writes it to the host. */
function hostFile(path: string): string {
  const [, rest = ""] = script.split(`${path} <<'END_OF_FILE'\n`);
  return rest.split("END_OF_FILE\n")[0] ?? "";
}

const fields = (value: unknown, path = ""): [string, unknown][] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, field]) => fields(field, `${path}.${key}`))
    : [[path.slice(1), value]];

test("the lab's kubelet differs from the host's exactly in the listed settings", () => {
  expect(k3s["kubelet-arg"]).toEqual([`config=${KUBELET_CONFIG}`, ...providerFlags()]);
  const host = new Map(
    fields(overlaid(k3sKubeletDefaults, JSON.parse(hostFile(KUBELET_CONFIG)) as object)),
  );
  const inLab = new Map(fields(JSON.parse(files["etc/kubelet.json"] ?? "")));
  const different = [...new Set([...host.keys(), ...inLab.keys()])].filter(
    (field) => JSON.stringify(host.get(field)) !== JSON.stringify(inLab.get(field)),
  );
  expect(different.sort()).toEqual(
    kubeletDifferences(lab)
      .map(({ setting }) => setting)
      .sort(),
  );
});

test("the lab's kubelet asks the host's credential provider, for another registry's sake too", () => {
  const flags = programs.kubelet.argv.filter((flag) => flag.includes("image-credential"));
  const folder = files[join("etc", "image-credentials", PROVIDER)];
  expect(flags.map((flag) => flag.replace(`${lab.dir}/etc/`, ""))).toEqual([
    "--image-credential-provider-bin-dir=image-credentials",
    "--image-credential-provider-config=image-credentials.json",
  ]);
  expect(folder).toBe(hostFile(`${PROVIDER_DIR}/${PROVIDER}`));
  const { providers } = JSON.parse(hostFile(PROVIDER_CONFIG)) as { providers: object[] };
  const inLab = JSON.parse(files["etc/image-credentials.json"] ?? "") as { providers: object[] };
  const matchImages = ["*-docker.pkg.dev", "images.example.com"];
  expect(inLab.providers).toEqual(providers.map((each) => ({ ...each, matchImages })));
});

test("the list contains only the reviewed differences, each with a reason", () => {
  const list = kubeletDifferences(lab);
  expect(list.map(({ setting }) => setting)).toEqual([
    "authentication.x509.clientCAFile",
    "tlsCertFile",
    "tlsPrivateKeyFile",
    "resolvConf",
    "staticPodPath",
    "volumePluginDir",
    "containerRuntimeEndpoint",
    "cgroupDriver",
    "cgroupRoot",
    "failCgroupV1",
    "oomScoreAdj",
    "makeIPTablesUtilChains",
    "imageMinimumGCAge",
    "kubeReserved.cpu",
    "systemReserved.cpu",
    "shutdownGracePeriodByPodPriority",
  ]);
  for (const { why } of list) expect(why).toMatch(/\w+ \w+ \w+/);
});

test.each([
  ["kube-apiserver", "apiServer", 8],
  ["kube-controller-manager", "controllerManager", 1],
] as const)("the lab's %s has the same settings as k3s's", (name, role, count) => {
  const flags = k3s[`${name}-arg`] ?? [];
  expect(flags).toHaveLength(count);
  const inLab = programs[role].argv;
  for (const flag of flags) {
    const [setting = "", value = ""] = flag.split("=");
    const same = inLab.filter((argument) => argument.startsWith(`--${setting}=`));
    // The paths differ. The contents of the files are compared below.
    expect(same).toEqual([value.startsWith("/") ? expect.any(String) : `--${flag}`]);
  }
});

test("admission, audit and kernel settings files equal the host's", () => {
  const argument = (name: string) =>
    programs.apiServer.argv.find((each) => each.startsWith(`--${name}=`))?.split("=")[1] ?? "";
  const labFile = (name: string) => files[argument(name).replace(`${lab.dir}/`, "")];
  expect(labFile("admission-control-config-file")).toBe(renderAdmissionConfig());
  expect(labFile("audit-policy-file")).toBe(renderAuditPolicy());
  expect(files["etc/sysctl.conf"]).toBe(renderSysctls());
  expect(hostFile(API_SERVER_FILES.admissionConfig)).toBe(renderAdmissionConfig());
  expect(hostFile(API_SERVER_FILES.auditPolicy)).toBe(renderAuditPolicy());
  expect(hostFile("/etc/sysctl.d/90-claude-gateway.conf")).toBe(renderSysctls());
});

test("configurations are merged as the kubelet merges them", () => {
  const below = { evictionHard: { memory: "1", nodefs: "2" }, clusterDNS: ["a"], sync: "1m" };
  const above = asConfiguration([
    { setting: "evictionHard.memory", lab: "9", why: "" },
    { setting: "clusterDNS", lab: ["b"], why: "" },
  ]);
  expect(overlaid(below, above)).toEqual({
    evictionHard: { memory: "9", nodefs: "2" },
    clusterDNS: ["b"],
    sync: "1m",
  });
});
