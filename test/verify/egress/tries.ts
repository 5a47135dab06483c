import { randomBytes } from "node:crypto";
import { DEFAULT_PROVIDER } from "../../../components/gateway/providers/index.ts";
import { collectorOf } from "../../../components/usage/telemetry/collector.ts";
import type { PolicySettings } from "../../../stacks/deployment.ts";
import { INTERNET_HOSTS } from "../../lab/cluster/network.ts";
import type { AnthropicControl } from "../../lab/anthropic/client.ts";
import type { Target } from "../../lab/target.ts";
import type { Attempt, Surroundings } from "./attempt.ts";
import { pythonProgram, type Said } from "./python.ts";
import { arrivalKey, newArrivals, type Witness } from "./witness.ts";

/** Where attempts run, and who observes the outside, if anyone. */
export interface Means {
  readonly target: Target;
  readonly witness?: Witness | undefined;
  readonly upstream?: AnthropicControl | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with the progress. */
  readonly status?: ((text: string) => void) | undefined;
}

/** The result of one try from inside a container. */
export interface Try {
  readonly through: boolean;
  /** What the agent saw. */
  readonly said: string;
  /** What arrived outside, if that can be observed. */
  readonly arrived: readonly string[];
}

/** The results of several tries. */
export interface Tries {
  readonly of: ReadonlyMap<Attempt, Try>;
  /** What arrived outside at a destination that no attempt aimed at. */
  readonly unaccounted: readonly string[];
}

const UPSTREAM = arrivalKey({
  protocol: "tcp",
  address: INTERNET_HOSTS["api.anthropic.com"] ?? "",
  port: 443,
});

/** Where the gateway itself sends telemetry at any time: to an OTLP receiver outside, if the stack has one. */
function receiver({ otlpEndpoint }: PolicySettings): string[] {
  if (otlpEndpoint === undefined) return [];
  const { host, port } = collectorOf(otlpEndpoint);
  const address = INTERNET_HOSTS[host];
  return address === undefined ? [] : [arrivalKey({ protocol: "tcp", address, port })];
}

/** Another provider's hosts, which the gateway then calls instead of Anthropic's API. */
const HOSTS_OF = {
  anthropic: undefined,
  vertex: /^(.+-aiplatform|sts|iamcredentials)\.googleapis\.com$/,
  bedrock: /^bedrock-runtime\..+\.amazonaws\.com$/,
};

function providerHosts({ provider = DEFAULT_PROVIDER }: PolicySettings): string[] {
  const hosts = HOSTS_OF[provider];
  return Object.entries(INTERNET_HOSTS).flatMap(([host, address]) =>
    hosts?.test(host) === true ? [arrivalKey({ protocol: "tcp", address, port: 443 })] : [],
  );
}

/** Tries ways out, as many at a time as the outside can tell apart. */
export async function tryAttempts(
  attempts: readonly Attempt[],
  around: Surroundings,
  means: Means,
): Promise<Tries> {
  const of = new Map<Attempt, Try>();
  const unaccounted: string[] = [];
  for (const wave of wavesOf(attempts)) {
    means.signal?.throwIfAborted();
    const tries = await tryWave(wave, around, means);
    for (const [attempt, came] of tries.of) of.set(attempt, came);
    unaccounted.push(...tries.unaccounted);
    means.status?.(`${of.size} of ${attempts.length}`);
  }
  return { of, unaccounted };
}

/** Groups in which no two attempts have the same outside destination. Attempts that run alone come last. */
export function wavesOf(attempts: readonly Attempt[]): Attempt[][] {
  const waves: { attempts: Attempt[]; keys: Set<string> }[] = [];
  for (const attempt of attempts.filter(({ alone }) => alone !== true)) {
    const keys = destinations(attempt);
    let wave = waves.find((wave) => !keys.some((key) => wave.keys.has(key)));
    if (wave === undefined) waves.push((wave = { attempts: [], keys: new Set() }));
    wave.attempts.push(attempt);
    for (const key of keys) wave.keys.add(key);
  }
  const alone = attempts.filter(({ alone }) => alone === true);
  return [...waves.map(({ attempts }) => attempts), ...alone.map((attempt) => [attempt])];
}

function destinations({ arrives, relayed }: Attempt): string[] {
  return [...(arrives ? [arrivalKey(arrives)] : []), ...(relayed ? [UPSTREAM] : [])];
}

async function tryWave(
  wave: readonly Attempt[],
  around: Surroundings,
  { target, witness, upstream }: Means,
): Promise<Tries> {
  const nonce = randomBytes(4).toString("hex");
  const nonceOf = (attempt: Attempt) => `carries-${nonce}-${wave.indexOf(attempt)}`;
  for (const attempt of wave) if (upstream) await attempt.upstream?.(upstream);
  const before = await witness?.counts();
  const said = new Map<Attempt, Said>();
  await Promise.all(
    (["agent", "litellm", "visitor"] as const).map(async (place) => {
      const here = wave.filter(({ from = "agent" }) => from === place);
      if (here.length === 0) return;
      const bodies = here.map((attempt) => attempt.python(around, nonceOf(attempt)));
      const results = await runPython(target, containerOf(place, around), bodies);
      for (const [index, result] of results.entries()) {
        const attempt = here[index];
        if (attempt === undefined) continue;
        // An attempt that could not be made must not count as blocked.
        if (result.broken) throw new Error(`${attempt.id} could not be tried: ${result.said}`);
        said.set(attempt, result);
      }
    }),
  );
  const after = await witness?.counts();
  const arrivals =
    before && after ? newArrivals(before.arrivals, after.arrivals) : new Map<string, number>();
  const lookUps = after?.lookUps.slice(before?.lookUps.length) ?? "";

  const of = new Map<Attempt, Try>();
  for (const attempt of wave) {
    const { through = false, said: text = "nothing" } = said.get(attempt) ?? {};
    const key = attempt.arrives && arrivalKey(attempt.arrives);
    const count = key === undefined ? undefined : arrivals.get(key);
    const arrived = [
      ...(count === undefined ? [] : [`${count} × ${key ?? ""}`]),
      ...(lookUps.includes(`${nonceOf(attempt)}.`) ? ["the look-up"] : []),
    ];
    of.set(attempt, { through, said: text, arrived });
  }
  const aimed = new Set([
    ...wave.flatMap(destinations),
    ...receiver(around.settings),
    ...providerHosts(around.settings),
  ]);
  const unaccounted = [...arrivals]
    .filter(([key]) => !aimed.has(key))
    .map(([key, count]) => `${count} × ${key}`);
  return { of, unaccounted };
}

function containerOf(
  place: NonNullable<Attempt["from"]>,
  { agent, gatewayNamespace, visitor }: Surroundings,
): string[] {
  switch (place) {
    case "agent":
      return [`--namespace=${agent}`, "service/runner", "--container=runner"];
    case "litellm":
      return [`--namespace=${gatewayNamespace}`, "service/gateway", "--container=litellm"];
    case "visitor":
      return [`--namespace=${visitor.namespace}`, "pod/visitor"];
  }
}

async function runPython(
  target: Target,
  container: readonly string[],
  bodies: readonly string[],
): Promise<Said[]> {
  const command = ["exec", "--stdin", ...container, "--", "python3", "-"];
  return JSON.parse(await target.kubectl(command, { input: pythonProgram(bodies) })) as Said[];
}
