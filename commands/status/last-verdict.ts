import type { Target } from "../../test/lab/target.ts";
import { countByStatus, type Report } from "../../test/verify/conformance/report/report.ts";
import { type LastVerdict, VERDICT_NAME } from "./verdict.ts";

type Cluster = Pick<Target, "kubectl">;

/** Keeps a verdict in the gateway's namespace, so that `npm run status` shows it on any machine. */
export async function keepVerdict(
  cluster: Cluster,
  namespace: string,
  { measuredAt, path, provider, verdict, checks }: Report,
): Promise<void> {
  const data: LastVerdict = {
    measuredAt,
    path: provider === undefined ? path : `${path}-${provider}`,
    verdict,
    passed: String(countByStatus(checks).pass),
    checks: String(checks.length),
  };
  const object = {
    ...{ apiVersion: "v1", kind: "ConfigMap" },
    metadata: { name: VERDICT_NAME, namespace },
    data,
  };
  await cluster.kubectl(["apply", "--filename=-"], { input: JSON.stringify(object) });
}

/** The verdict that was kept last. */
export async function readVerdict(
  cluster: Cluster,
  namespace: string,
): Promise<LastVerdict | undefined> {
  const found = await cluster.kubectl([
    ...["get", "configmap", VERDICT_NAME, `--namespace=${namespace}`],
    ...["--ignore-not-found", "--output=json"],
  ]);
  return found.trim() === "" ? undefined : (JSON.parse(found) as { data: LastVerdict }).data;
}
