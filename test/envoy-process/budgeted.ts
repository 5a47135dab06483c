import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { findAgent } from "../../components/gateway/envoy/agent.ts";
import { lua } from "../../components/gateway/envoy/headers.ts";
import { ports } from "../../components/kubernetes/ports.ts";
import type { Budget, BudgetLimits, OnFailure } from "../../components/usage/budget/limits.ts";
import { renderLimits } from "../../components/usage/budget/ratelimit-config.ts";
import {
  LIMITS_FOLDER,
  ratelimitEnvironment,
} from "../../components/usage/budget/ratelimit-environment.ts";
import { valkeySettings } from "../../components/usage/budget/valkey-command.ts";
import { untilDayLasts } from "../lab/day.ts";
import { lineProgress } from "../lab/progress.ts";
import { type Response, send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { renderEnvoySecrets } from "../../components/gateway/envoy/render.ts";
import { certificateFor, rendered, secrets, terminate } from "./gateways.ts";
import { type RatelimitProcess, startRatelimit } from "./ratelimit-process.ts";
import { type RedisProcess, startRedis } from "./redis-process.ts";
import { Upstream } from "./upstream.ts";

const HOST = "ratelimit.claude-gateway.svc.cluster.local";
const RUNTIME = "/etc/ratelimit";

/** Takes the meter's place: the answer's header `x-cost` is the cost, in charge units. */
const METER_STAND_IN = `
function envoy_on_request(handle)
  handle:streamInfo():dynamicMetadata():set("meter", "charge", 0)
end
function envoy_on_response(handle)
  local cost = handle:headers():get("x-cost")
  if cost then handle:streamInfo():dynamicMetadata():set("meter", "charge", tonumber(cost)) end
end
`;

/** The options of {@link Budgeted.start}. */
export interface BudgetedOptions {
  /** Default `refuse`. */
  readonly onFailure?: OnFailure;
  /** Default path `envoy`, mode `terminate`. */
  readonly path?: EnvoyConfigArgs;
}

/** The real Envoy, rate-limit service and Redis, with an upstream whose answers cost what the request's `x-cost` says. */
export class Budgeted {
  readonly upstream: Upstream;
  readonly envoy: Envoy;
  redis: RedisProcess;
  ratelimit: RatelimitProcess;

  private constructor(
    upstream: Upstream,
    envoy: Envoy,
    redis: RedisProcess,
    ratelimit: RatelimitProcess,
  ) {
    this.upstream = upstream;
    this.envoy = envoy;
    this.redis = redis;
    this.ratelimit = ratelimit;
  }

  /** Starts all. On path `shim` the upstream takes LiteLLM's place. */
  static async start(
    limits: BudgetLimits,
    { onFailure = "refuse", path = terminate }: BudgetedOptions = {},
  ): Promise<Budgeted> {
    // No test takes as long.
    await untilDayLasts(60);
    const upstream = await Upstream.start(
      ...(path.litellmHost === undefined ? [await certificateFor("api.anthropic.com")] : []),
    );
    const redis = await startRedis({ args: valkeySettings });
    const ratelimit = await startService(limits, redis);
    const envoy = await Envoy.start({
      ...files({ ...path, budgets: { host: HOST, limits, onFailure } }),
      hosts: {
        "api.anthropic.com:443": upstream.port,
        [`${path.litellmHost}:${ports.litellm}`]: upstream.port,
        [`${HOST}:${ports.ratelimit}`]: ratelimit.grpcPort,
      },
    });
    const all = new Budgeted(upstream, envoy, redis, ratelimit);
    all.answerWithCost();
    return all;
  }

  /** The upstream's answer: a small JSON body, and the cost that the request asked for. */
  answerWithCost(status = 200): void {
    this.upstream.handle = (request, response) => {
      const cost = request.headers["x-cost"];
      request.resume().on("end", () => {
        this.upstream.received.push({
          method: "",
          url: request.url ?? "",
          headers: [],
          body: Buffer.alloc(0),
        });
        response.writeHead(status, cost === undefined ? {} : { "x-cost": cost });
        response.end('{"ok": true}');
      });
    };
  }

  /** Sends a request of an agent that costs that many charge units. */
  ask(token: string, cost: number, path = "/anthropic/v1/messages"): Promise<Response> {
    const headers = [["x-api-key", token] as const, ["x-cost", String(cost)] as const];
    return send(this.envoy.ports.agents, { path, headers });
  }

  /** What Redis has counted, by window and agent: `{ "day dev-e": 400 }`. */
  async counts(): Promise<Record<string, number>> {
    const keys = (await this.redis.cli(["KEYS", "agents_*"]))
      .split("\n")
      .filter((key) => key !== "");
    const counts = keys.sort().map(async (key) => {
      const [, window, agent] = /^agents_window_(.+)_agent_(.+)_\d+$/.exec(key) ?? [];
      return [`${window} ${agent}`, Number(await this.redis.cli(["GET", key]))] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  }

  /** Waits until Redis has counted exactly this. A charge is sent when its stream has ended. */
  async counted(expected: Record<string, number>): Promise<void> {
    const text = (counts: Record<string, number>) => JSON.stringify(Object.entries(counts).sort());
    await eventually(
      () => this.counts(),
      (counts) => text(counts) === text(expected),
    );
  }

  /** What `pulumi up` does after a change of the limits: it changes a Secret and a ConfigMap. */
  async changeLimits(limits: BudgetLimits): Promise<void> {
    await this.envoy.updateSecrets(
      renderEnvoySecrets(
        { ...terminate, budgets: { host: HOST, limits, onFailure: "refuse" } },
        secrets,
      ),
    );
    await this.ratelimit.updateConfig(renderLimits(limits));
  }

  async restartRatelimit(limits: BudgetLimits): Promise<void> {
    const { grpcPort } = this.ratelimit;
    await this.ratelimit.stop();
    this.ratelimit = await startService(limits, this.redis, grpcPort);
  }

  /** Starts Redis again with the same port and folder. */
  async restartRedis(): Promise<void> {
    const { port, dir } = this.redis;
    this.redis = await startRedis({ args: valkeySettings, port, dir });
  }

  async stop(): Promise<void> {
    await this.envoy.stop();
    await this.ratelimit.stop();
    await this.redis.stop();
    await this.upstream.stop();
  }
}

function startService(limits: BudgetLimits, redis: RedisProcess, grpcPort?: number) {
  return startRatelimit(
    {
      config: renderLimits(limits),
      mountPath: `${RUNTIME}/${LIMITS_FOLDER}`,
      env: ratelimitEnvironment({
        valkey: "",
        runtimePath: RUNTIME,
        ports: { grpc: 0, health: 0, metrics: 0 },
      }),
      redisPort: redis.port,
      ...(grpcPort !== undefined && { grpcPort }),
    },
    lineProgress(),
  );
}

/** Envoy's files, with the meter's stand-in after the filter that finds the agent. */
function files(args: EnvoyConfigArgs): ReturnType<typeof rendered> {
  const { config, secrets } = rendered(args);
  const { name: agent } = findAgent();
  const withMeter = (_key: string, value: unknown): unknown =>
    Array.isArray(value) && (value[0] as { name?: unknown } | undefined)?.name === agent
      ? [
          value[0] as unknown,
          lua("meter-stand-in", METER_STAND_IN),
          ...(value.slice(1) as unknown[]),
        ]
      : value;
  const listeners = JSON.stringify(JSON.parse(config["listeners.json"] ?? "", withMeter));
  return { config: { ...config, "listeners.json": listeners }, ...(secrets && { secrets }) };
}

export const DAY_SECONDS = 86_400;

/** One cent is 1,000 charge units. */
export const ONE_CENT = 1000;

/** The limits where only dev-e has a budget. */
export function ofDevE(budget: Budget): BudgetLimits {
  return { all: {}, agents: { "dev-e": budget } };
}

/** When the present window ends, as messages write it. Windows are counted from 1970-01-01 UTC. */
export function renewal(days: number): string {
  const seconds = days * DAY_SECONDS;
  const end = Math.ceil(Date.now() / 1000 / seconds) * seconds;
  return `${new Date(end * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The body of an error of the gateway. */
export function error(type: string, message: string): string {
  return JSON.stringify({ type: "error", error: { type, message: `gateway: ${message}` } });
}

/** The names of the answer's headers, in lower case. */
export function headerNames({ rawHeaders }: Response): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
}
