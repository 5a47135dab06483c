import type { EnvoyConfigArgs } from "../../../../components/gateway/envoy/args.ts";
import { envoyTerminate } from "../../../../components/gateway/paths/envoy-terminate.ts";
import { ports } from "../../../../components/kubernetes/ports.ts";
import type { BudgetLimits } from "../../../../components/usage/budget/limits.ts";
import { renderLimits } from "../../../../components/usage/budget/ratelimit-config.ts";
import {
  LIMITS_FOLDER,
  ratelimitEnvironment,
} from "../../../../components/usage/budget/ratelimit-environment.ts";
import { valkeySettings } from "../../../../components/usage/budget/valkey-command.ts";
import { startRatelimit } from "../../../envoy-process/ratelimit-process.ts";
import { startRedis } from "../../../envoy-process/redis-process.ts";
import type { Progress } from "../../../lab/progress.ts";
import { toGateway } from "./direct.ts";
import { filesOf, pidsOf, startEnvoy } from "./envoy.ts";
import { AGENT, type Setting, type Subject, TOKEN } from "./subject.ts";

const HOST = "ratelimit.claude-gateway.svc.cluster.local";
const RUNTIME = "/etc/ratelimit";

/** Every budget that there can be, and far more than a run spends. */
const LIMITS: BudgetLimits = {
  all: { usdPerDay: 40_000, usdPer30Days: 40_000 },
  agents: { [AGENT]: { usdPerDay: 40_000, usdPer30Days: 40_000 } },
};

/** Path `envoy` in mode terminate with budgets: the rate-limit service and Redis on the path's CPU. */
export async function envoyBudgets(setting: Setting, progress: Progress): Promise<Subject> {
  const args: EnvoyConfigArgs = {
    variant: envoyTerminate,
    credentialKind: "apiKey",
    record: true,
    budgets: { host: HOST, limits: LIMITS, onFailure: "refuse" },
  };
  const parts: { stop(): Promise<void> }[] = [];
  const stop = async () => {
    for (const part of parts) await part.stop();
  };
  try {
    const redis = await startRedis({ args: valkeySettings, startedBy: setting.pin });
    parts.unshift(redis);
    const ratelimit = await startRatelimit(
      {
        config: renderLimits(LIMITS),
        mountPath: `${RUNTIME}/${LIMITS_FOLDER}`,
        env: ratelimitEnvironment({
          valkey: "",
          runtimePath: RUNTIME,
          ports: { grpc: 0, health: 0, metrics: 0 },
        }),
        redisPort: redis.port,
        startedBy: setting.pin,
      },
      progress,
    );
    parts.unshift(ratelimit);
    const hosts = { [`${HOST}:${ports.ratelimit}`]: ratelimit.grpcPort };
    const envoy = await startEnvoy(setting, filesOf(args), hosts);
    parts.unshift(envoy);
    return {
      name: "envoy-budgets",
      to: toGateway(envoy.ports.agents, TOKEN),
      pids: [...pidsOf(envoy), ratelimit.pid, redis.pid],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
