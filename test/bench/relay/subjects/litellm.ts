import { ports } from "../../../../components/kubernetes/ports.ts";
import type { Progress } from "../../../lab/progress.ts";
import { freePort } from "../../../envoy-process/free-port.ts";
import { toGateway } from "./direct.ts";
import { filesOf, pidsOf, startEnvoy } from "./envoy.ts";
import { startLiteLlm } from "../../../envoy-process/litellm-process.ts";
import { REAL_KEY, type Setting, type Subject, TOKEN, UPSTREAM_HOST } from "./subject.ts";
import { shim as shimVariant } from "../../../../components/gateway/paths/shim.ts";

const INTERNAL_TOKEN = "bench-between-envoy-and-litellm";
const PLACEHOLDER = "sk-ant-placeholder-of-the-benchmark";
const LITELLM_HOST = "shim-litellm.claude-gateway.svc.cluster.local";

/** Path `litellm`: agents connect to LiteLLM, and LiteLLM to the API with TLS. */
export async function litellm(setting: Setting, progress: Progress): Promise<Subject> {
  const process = await startLiteLlm(
    {
      port: await freePort(),
      token: TOKEN,
      apiKey: REAL_KEY,
      upstreamBaseUrl: `https://${UPSTREAM_HOST}:${setting.upstreamPort}`,
      pin: setting.pin,
    },
    progress,
  );
  return {
    name: "litellm",
    to: toGateway(process.port, TOKEN),
    pids: [process.pid],
    stop: () => process.stop(),
  };
}

/**
 * Path `shim`: the same LiteLLM between two listeners of one Envoy. `apart`: Envoy shares a CPU with the two ends of the
 * traffic, which are idle most of the time with LiteLLM, so Envoy takes no CPU from LiteLLM.
 */
export async function shim(
  setting: Setting,
  progress: Progress,
  { apart } = { apart: false },
): Promise<Subject> {
  const args = {
    variant: shimVariant,
    credentialKind: "apiKey",
    litellmHost: LITELLM_HOST,
    record: true,
  } as const;
  const port = await freePort();
  const envoy = await startEnvoy(
    apart ? { ...setting, pin: setting.pinApart } : setting,
    filesOf(args, { token: INTERNAL_TOKEN, placeholder: PLACEHOLDER }),
    { [`${LITELLM_HOST}:${ports.litellm}`]: port },
  );
  try {
    const upstreamBaseUrl = `http://127.0.0.1:${envoy.ports.egress}`;
    const process = await startLiteLlm(
      { port, token: INTERNAL_TOKEN, apiKey: PLACEHOLDER, upstreamBaseUrl, pin: setting.pin },
      progress,
    );
    return {
      name: apart ? "shim-apart" : "shim",
      to: toGateway(envoy.ports.agents, TOKEN),
      pids: [...pidsOf(envoy), process.pid],
      async stop() {
        await envoy.stop();
        await process.stop();
      },
    };
  } catch (error) {
    await envoy.stop();
    throw error;
  }
}
