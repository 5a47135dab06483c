import { z } from "zod";
import { KubernetesName } from "../fields.ts";

/** Settings that every path has. */
const common = {
  drainSeconds: z
    .int("is no whole number of seconds")
    .min(10, "is under the 10 seconds that a Service needs to stop sending requests")
    .max(86_400, "is over a day")
    .default(900)
    .describe(
      "Longest time, in seconds, that a replaced gateway pod waits for open streams. Default 900.",
    ),
};

/** Routes beside the two message routes that Envoy may open. */
const extraRoutes = z
  .array(z.enum(["hello", "models"]))
  .default([])
  .describe(
    "Also relay `HEAD /api/hello` (`hello`) and `GET /v1/models` (`models`). Default none.",
  );

const paths = [
  z.strictObject({ path: z.literal("litellm"), ...common }),
  z.strictObject({ path: z.literal("shim"), routes: extraRoutes, ...common }),
  z.strictObject({
    path: z.literal("envoy"),
    mode: z
      .enum(["terminate", "sni"])
      .default("terminate")
      .describe(
        "`terminate`: Envoy holds the credential. `sni`: TLS is untouched and the agent holds its own. Default terminate.",
      ),
    routes: extraRoutes,
    ...common,
  }),
  z.strictObject({ path: z.literal("hybrid"), routes: extraRoutes, ...common }),
] as const;

const namespace = KubernetesName.default("claude-gateway").describe(
  "Namespace of the gateway. Default claude-gateway; a second gateway on one cluster needs its own.",
);

/** `gateway` of a spike: its namespaces are named after the stack. */
export const SpikeGatewayConfig = z.discriminatedUnion("path", paths);

/** `gateway` of a gateway stack. */
export const GatewayConfig = z.discriminatedUnion("path", [
  paths[0].extend({ namespace }),
  paths[1].extend({ namespace }),
  paths[2].extend({ namespace }),
  paths[3].extend({ namespace }),
]);

/** The upstream credential. */
export const CredentialConfig = z.strictObject({
  kind: z
    .enum(["apiKey", "oauth"])
    .describe(
      "`apiKey`: a key of the Claude Console (sk-ant-api…). `oauth`: a token (sk-ant-oat…).",
    ),
  holder: z
    .enum(["gateway", "agent"])
    .default("gateway")
    .describe("Who holds it: `agent` on path envoy in mode sni, else `gateway`. Default gateway."),
  value: z.string().optional().describe("The secret itself. Set it with `--secret`."),
});

export type CredentialKind = z.infer<typeof CredentialConfig>["kind"];
