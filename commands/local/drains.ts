import { labelKeys } from "../../components/kubernetes/labels.ts";
import { gatewayNamespace } from "../../test/verify/conformance/subject/gateway-namespace.ts";
import type { Status } from "../../test/lab/progress.ts";
import type { Target } from "../../test/lab/target.ts";

const POLL_MS = 3000;

interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly initContainers?: readonly { readonly name: string }[] };
}

/** A line of the drain helper's log. */
interface DrainLine {
  readonly message: string;
  readonly open?: Readonly<Record<string, number>>;
  readonly until?: string;
}

/** While `work` runs, reports which replaced gateway pods of a stack still drain, for how many streams and until when. */
export async function reportingDrains<T>(
  target: Pick<Target, "kubectl" | "title">,
  stack: string,
  status: Status,
  work: () => Promise<T>,
): Promise<T> {
  const ended = new AbortController();
  const report = async () => {
    // If the cluster does not answer, or does not have the stack yet, there is nothing to report.
    status(await drains(target, stack).catch(() => ""));
    if (!ended.signal.aborted) timer = setTimeout(() => void report(), POLL_MS);
  };
  let timer = setTimeout(() => void report(), POLL_MS);
  try {
    return await work();
  } finally {
    ended.abort();
    clearTimeout(timer);
  }
}

/** What the replaced gateway pods of a stack wait for, as one line; empty if no pod drains. */
export async function drains(
  target: Pick<Target, "kubectl" | "title">,
  stack: string,
): Promise<string> {
  const namespace = ["--namespace", await gatewayNamespace(target, stack)];
  const selector = `--selector=${labelKeys.role} in (gateway, litellm)`;
  const list = await target.kubectl(["get", "pods", ...namespace, selector, "--output=json"]);
  const { items } = JSON.parse(list) as { items: readonly Pod[] };
  const texts = items
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map(async ({ metadata, spec }) => {
      const helped = spec.initContainers?.some(({ name }) => name === "drain") === true;
      const logs = ["logs", metadata.name, ...namespace, "--container=drain", "--tail=1"];
      const line = helped ? await target.kubectl(logs).catch(() => "") : "";
      return drainText(metadata.name, metadata.deletionTimestamp ?? "", line);
    });
  return (await Promise.all(texts)).join("; ");
}

function drainText(pod: string, deletedBy: string, line: string): string {
  const {
    message,
    open = {},
    until,
  } = (line.startsWith("{") ? JSON.parse(line) : {}) as Partial<DrainLine>;
  if (message !== "waiting" || until === undefined) return `${pod} ends by ${clock(deletedBy)}`;
  const { agents = 0, egress = 0, sni = 0 } = open;
  // Behind LiteLLM, Envoy counts a stream twice: as it comes in and as it goes out to the upstream.
  const count = Math.max(agents, egress) + sni;
  const streams = count === 1 ? "1 open stream" : `${count} open streams`;
  return `${pod} waits for ${streams} of agents, until ${clock(until)} at most`;
}

function clock(time: string): string {
  return new Date(time).toLocaleTimeString("en-GB");
}
