import { restrictedContainer, restrictedPod } from "../../../components/kubernetes/restricted.ts";
import type { Target } from "../../lab/target.ts";

/** The user `nobody`. */
const USER = 65_534;

/** A pod that asks for metrics, as Prometheus does. */
export interface ScrapingPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Creates the pods and their namespaces, and waits until they run. They have no policy of their own. */
export async function startPods(target: Target, pods: readonly ScrapingPod[]): Promise<void> {
  const namespaces = namespacesOf(pods).map((name) => ({
    ...{ apiVersion: "v1", kind: "Namespace", metadata: { name } },
  }));
  const items = pods.map((metadata) => ({
    ...{ apiVersion: "v1", kind: "Pod", metadata },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: restrictedPod(USER),
      containers: [
        {
          securityContext: restrictedContainer,
          name: "scraper",
          image: target.runnerImage,
          command: ["sleep", "infinity"],
        },
      ],
    },
  }));
  const input = JSON.stringify({
    apiVersion: "v1",
    kind: "List",
    items: [...namespaces, ...items],
  });
  await target.kubectl(["create", "--filename=-"], { input });
  for (const { namespace, name } of pods) {
    const which = [`--namespace=${namespace}`, `pod/${name}`];
    await target.kubectl(["wait", ...which, "--for=condition=Ready", "--timeout=120s"]);
  }
}

/** Deletes the pods' namespaces, without waiting until they are gone. */
export async function endPods(target: Target, pods: readonly ScrapingPod[]): Promise<void> {
  const namespaces = namespacesOf(pods);
  await target.kubectl([
    "delete",
    "namespaces",
    ...namespaces,
    "--wait=false",
    "--ignore-not-found",
  ]);
}

const SCRAPE = `
import json, sys, urllib.request
def scrape(url):
    try:
        with urllib.request.urlopen(url, timeout=3) as response: return response.read().decode()
    except OSError: return None
print(json.dumps([scrape(url) for url in sys.argv[1:]]))
`;

/** What a container gets from URLs: each body, or null where nothing answers. */
export async function scrape(
  target: Target,
  container: readonly string[],
  urls: readonly string[],
): Promise<(string | null)[]> {
  const command = ["exec", ...container, "--", "python3", "-c", SCRAPE, ...urls];
  return JSON.parse(await target.kubectl(command)) as (string | null)[];
}

function namespacesOf(pods: readonly ScrapingPod[]): string[] {
  return [...new Set(pods.map(({ namespace }) => namespace))];
}
