import type { Finding } from "../schema/finding.ts";
import { variants } from "./paths/index.ts";
import { inConfig, providersOf, type Variant } from "./paths/variant.ts";
import {
  DEFAULT_PROVIDER,
  providerNamed,
  providers,
  type ProviderName,
  type ProviderSections,
} from "./providers/index.ts";
import type { Provider } from "./providers/provider.ts";

/** The settings of `gateway` that the checks read. */
interface Sections extends ProviderSections {
  readonly provider?: ProviderName;
  readonly routes?: readonly string[];
}

/** What is wrong with the provider of a valid `gateway`, for its path. Empty when nothing is. */
export function providerFindings(variant: Variant, gateway: Sections): Finding[] {
  const { provider: name = DEFAULT_PROVIDER, routes = [] } = gateway;
  if (!providersOf(variant).includes(name)) {
    return [{ path: ["gateway", "provider"], message: notReached(variant, name) }];
  }
  const chosen = providerNamed(name);
  const others = providers.filter((other) => other.name !== name && gateway[other.name]);
  return [
    ...others.map((other) => ({
      path: ["gateway", other.name],
      message:
        `is for provider ${other.name}, and gateway.provider is ${name}: remove it with pulumi config rm --path gateway.${other.name}, ` +
        `or choose that provider: pulumi config set --path gateway.provider ${other.name}`,
    })),
    ...missing(chosen, gateway),
    ...(name === DEFAULT_PROVIDER || routes.length === 0
      ? []
      : [
          {
            path: ["gateway", "routes"],
            message: `are routes of ${providerNamed(DEFAULT_PROVIDER).title}, and gateway.provider is ${name}: remove them with pulumi config rm --path gateway.routes`,
          },
        ]),
  ];
}

/** The provider's section, if it is missing as a whole. The schema says which key is missing in it. */
function missing({ name, title, settings }: Provider & { name: ProviderName }, gateway: Sections) {
  const keys = Object.keys(settings);
  if (keys.length === 0 || gateway[name] !== undefined) return [];
  const commands = keys.map((key) => `pulumi config set --path gateway.${name}.${key} <${key}>`);
  return [
    {
      path: ["gateway", name],
      message: `is missing, and ${title} needs it: ${commands.join(" && ")}`,
    },
  ];
}

function notReached(variant: Variant, name: ProviderName): string {
  const paths = variants.filter((other: Variant) => providersOf(other).includes(name));
  const why =
    variant.litellm === undefined
      ? "where the gateway passes TLS on to Anthropic's API"
      : "because LiteLLM would translate the requests";
  return (
    `is ${name}, which path ${inConfig(variant)} does not offer, ${why}: pulumi config rm --path gateway.provider, ` +
    `or choose path ${paths.map(inConfig).join(", ")}`
  );
}
