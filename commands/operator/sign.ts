import { setTimeout as sleep } from "node:timers/promises";
import { createHash } from "node:crypto";
import { BadInput } from "../../cli/command-line.ts";
import type { Target } from "../../test/lab/target.ts";

type Cluster = Pick<Target, "kubectl" | "title">;

const PATIENCE_SECONDS = 30;

/** Has the cluster sign a request for a client certificate, and returns the certificate as PEM. */
export async function signed(cluster: Cluster, request: string, seconds: number): Promise<string> {
  const name = `claude-gateway-operator-${createHash("sha256").update(request).digest("hex").slice(0, 12)}`;
  const object = {
    ...{ apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest" },
    metadata: { name },
    spec: {
      request: Buffer.from(request).toString("base64"),
      signerName: "kubernetes.io/kube-apiserver-client",
      expirationSeconds: seconds,
      usages: ["client auth"],
    },
  };
  await cluster.kubectl(["create", "--filename=-"], { input: JSON.stringify(object) });
  try {
    await cluster.kubectl(["certificate", "approve", name]);
    for (let waited = 0; waited < PATIENCE_SECONDS; waited++) {
      const certificate = await cluster.kubectl([
        ...["get", "certificatesigningrequest", name],
        "--output=jsonpath={.status.certificate}",
      ]);
      if (certificate !== "") return Buffer.from(certificate, "base64").toString();
      await sleep(1000);
    }
    throw new BadInput(
      `${cluster.title} approved the certificate and did not sign it within ${PATIENCE_SECONDS} s: look at the controller manager's log`,
    );
  } finally {
    await cluster.kubectl(["delete", "certificatesigningrequest", name, "--ignore-not-found"]);
  }
}
