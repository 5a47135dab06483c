import { z } from "zod";
import { KubernetesName } from "../schema/fields.ts";
import type { ExtraRoute } from "./api/endpoints.ts";
import { type PathName, pathNames, variantsOf } from "./paths/index.ts";
import {
  DEFAULT_PROVIDER,
  type ProviderName,
  providerNames,
  providers,
  type ProviderSections,
} from "./providers/index.ts";

/** `gateway` of a spike. */
export interface SpikeGateway extends ProviderSections {
  readonly path: PathName;
  /** Present if the path has several variants. */
  readonly mode?: string;
  /** Present if Envoy serves HTTP. */
  readonly routes?: readonly ExtraRoute[];
  readonly drainSeconds: number;
  readonly provider: ProviderName;
}

/** `gateway` of a gateway stack. */
export interface Gateway extends SpikeGateway {
  readonly namespace: string;
}

/** The settings of each provider that has some. A check between sections says when they are needed. */
const providerSections = Object.fromEntries(
  providers.flatMap(({ name, title, settings }) =>
    Object.keys(settings).length === 0
      ? []
      : [
          [
            name,
            z
              .strictObject(settings)
              .optional()
              .describe(`Settings of ${title}, with \`provider: ${name}\` only.`),
          ] as const,
        ],
  ),
);

/** Settings that every path has. */
const common = {
  provider: z
    .enum(providerNames)
    .default(DEFAULT_PROVIDER)
    .describe(
      `Whose API the agents use: ${providers.map(({ name, title }) => `\`${name}\`: ${title}`).join(", ")}. On path envoy in mode terminate; every other path has only the first. Default ${DEFAULT_PROVIDER}.`,
    ),
  ...providerSections,
  drainSeconds: z
    .int("is not a whole number of seconds")
    .min(10, "is less than the 10 seconds that a Service may need to stop sending requests")
    .max(86_400, "is more than a day (86400)")
    .default(900)
    .describe(
      "Longest time, in seconds, that a replaced gateway pod waits for open streams to end. Default 900.",
    ),
};

const namespace = KubernetesName.default("claude-gateway").describe(
  "Namespace of the gateway. Default claude-gateway. A second gateway on the same cluster needs another one.",
);

/** `gateway` of a spike, whose namespaces are named after the stack. */
export const SpikeGatewayConfig = unionOfPaths({}) as unknown as z.ZodType<SpikeGateway>;

/** `gateway` of a gateway stack. */
export const GatewayConfig = unionOfPaths({ namespace }) as unknown as z.ZodType<Gateway>;

/** One object for each path, with the settings of its variants. */
function unionOfPaths(more: Readonly<Record<string, z.ZodType>>) {
  const [first, ...others] = pathNames.map((path) =>
    z.strictObject({
      path: z.literal(path),
      ...modeSetting(path),
      ...Object.assign({}, ...variantsOf(path).map(({ settings }) => settings)),
      ...common,
      ...more,
    }),
  );
  if (first === undefined) throw new Error("the list of variants is empty: add one");
  return z.discriminatedUnion("path", [first, ...others]);
}

/** `mode`, if the path has several variants. The first one is the default. */
function modeSetting(path: string): Record<string, z.ZodType> {
  const modes = variantsOf(path).flatMap(({ mode }) => (mode === undefined ? [] : [mode]));
  const [first] = modes;
  if (first === undefined) return {};
  const described = modes.map(({ name, description }) => `\`${name}\`: ${description}`).join(" ");
  return {
    mode: z
      .enum(modes.map(({ name }) => name))
      .default(first.name)
      .describe(`${described} Default ${first.name}.`),
  };
}
