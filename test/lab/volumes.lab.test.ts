import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureCluster, kubectl, openLab, runInLab } from "./cluster/index.ts";
import { imageReference } from "./images/images.ts";
import { lineProgress } from "./progress.ts";

/** Volumes of the default StorageClass, as the gateway uses them. */
const lab = openLab();
const namespace = "volumes";
const claim = "usage";
const inNamespace = ["--namespace", namespace];

beforeAll(async () => {
  await ensureCluster(lab, lineProgress(), ["node", "ratelimit", "valkey"]);
  const enforce = { "pod-security.kubernetes.io/enforce": "restricted" };
  await apply({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: enforce },
  });
});

afterAll(async () => {
  await kubectl(lab, ["delete", "namespace", namespace]);
});

async function apply(object: object): Promise<void> {
  await kubectl(lab, ["apply", "--filename=-"], { input: JSON.stringify(object) });
}

/** A restricted pod with a read-only root that mounts the claim and sleeps after its command. */
async function pod(name: string, image: string, mount: object, command: string): Promise<void> {
  await apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: {
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        ...{ runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 },
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "main",
          image,
          command: ["sh", "-c", `${command}; exec sleep 600`],
          env: [{ name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
            readOnlyRootFilesystem: true,
          },
          volumeMounts: [{ name: "claim", ...mount }],
        },
      ],
      volumes: [{ name: "claim", persistentVolumeClaim: { claimName: claim } }],
    },
  });
  const ready = ["--for=condition=Ready", `pod/${name}`, "--timeout=120s"];
  await kubectl(lab, ["wait", ...ready, ...inNamespace]);
}

async function within(name: string, command: string): Promise<string> {
  return kubectl(lab, ["exec", name, ...inNamespace, "--", "sh", "-c", command]);
}

async function folder(): Promise<string> {
  const volume = await kubectl(lab, [
    ...["get", "persistentvolumeclaim", claim, ...inNamespace],
    "--output=jsonpath={.spec.volumeName}",
  ]);
  expect(volume).toMatch(/^pvc-/);
  return kubectl(lab, ["get", "pv", volume, "--output=jsonpath={.spec.local.path}"]);
}

async function files(path: string): Promise<string[]> {
  const { stdout } = await runInLab(lab, ["find", path], { netns: "node", cwd: "/" });
  return stdout.trim().split("\n").sort();
}

test("two restricted pods use one claim at the same time, and its folder goes with it", async () => {
  await apply({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claim, namespace },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
    },
  });
  const node = await imageReference("node");
  const valkey = await imageReference("valkey");
  const own = { mountPath: "/var/lib/usage", subPathExpr: "$(POD_NAME)" };
  await pod("writer", node, own, "echo first >/var/lib/usage/requests.jsonl");
  await pod("reader", valkey, { mountPath: "/usage" }, "true");

  expect(await within("reader", "cat /usage/writer/requests.jsonl")).toBe("first\n");
  await within("writer", "echo second >>/var/lib/usage/requests.jsonl");
  expect(await within("reader", "cat /usage/writer/requests.jsonl")).toBe("first\nsecond\n");
  await expect(within("writer", "echo x >/root-is-read-only")).rejects.toThrow(/Read-only/);

  const path = await folder();
  expect(path).toMatch(
    new RegExp(`^/var/lib/rancher/k3s/storage/pvc-[0-9a-f-]+_${namespace}_${claim}$`),
  );
  expect(await files(path)).toEqual([path, `${path}/writer`, `${path}/writer/requests.jsonl`]);

  await kubectl(lab, ["delete", "pod", "writer", "reader", "--now", ...inNamespace]);
  const volume = path.split("/").at(-1)?.split("_")[0] ?? "";
  await kubectl(lab, ["delete", "persistentvolumeclaim", claim, ...inNamespace]);
  await kubectl(lab, ["wait", "--for=delete", `pv/${volume}`, "--timeout=120s"]);
  // Other stacks of the lab may have volumes.
  const left = await files("/var/lib/rancher/k3s/storage");
  expect(left.filter((file) => file.startsWith(path))).toEqual([]);
});

test("the images of the budgets have the official ones' programs, user and folder", async () => {
  await apply({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: claim, namespace },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  });
  const mount = { mountPath: "/data" };
  const server = "valkey-server --dir /data --appendonly yes --daemonize yes >/dev/null";
  await pod("valkey", await imageReference("valkey"), mount, server);
  expect(await within("valkey", "id -u valkey")).toBe("999\n");
  expect(await within("valkey", "valkey-cli INCRBY spent 3 && valkey-cli EXPIRE spent 60")).toBe(
    "3\n1\n",
  );
  expect(await within("valkey", "ls /data")).toBe("appendonlydir\n");
  await kubectl(lab, ["delete", "pod", "valkey", "--now", ...inNamespace]);
});
