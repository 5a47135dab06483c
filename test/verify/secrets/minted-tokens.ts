import { TOKENS_DIR } from "../../../components/gateway/mint/place.ts";
import { type ListedPod, living } from "../../../components/kubernetes/living-pods.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import type { Target } from "../../lab/target.ts";

/** The tokens that each pod of the gateway made itself, which no Secret has. Empty where the credential is stored. */
export async function mintedTokens(
  target: Target,
  { gatewayNamespace }: { readonly gatewayNamespace: string },
): Promise<Readonly<Record<string, string>>> {
  const place = `--namespace=${gatewayNamespace}`;
  const select = `--selector=${labelKeys.role}=gateway`;
  const { items } = JSON.parse(
    await target.kubectl(["get", "pods", place, select, "--output=json"]),
  ) as { items: GatewayPod[] };
  const tokens: Record<string, string> = {};
  for (const { metadata, spec } of living(items)) {
    for (const { name, volumeMounts = [] } of spec.initContainers ?? []) {
      if (!volumeMounts.some(({ mountPath }) => mountPath === TOKENS_DIR)) continue;
      const read = ["sh", "-c", `cat ${TOKENS_DIR}/*.json`];
      const file = await target.kubectl([
        ...["exec", place, metadata.name, `--container=${name}`, "--", ...read],
      ]);
      for (const [index, [, token = ""]] of [
        ...file.matchAll(/"inline_string":"([^"]*)"/g),
      ].entries()) {
        if (token === "") throw new Error(`pod ${metadata.name} has no token yet: try again`);
        tokens[`${gatewayNamespace}/${metadata.name} token ${index}`] = token;
      }
    }
  }
  return tokens;
}

interface GatewayPod extends ListedPod {
  readonly metadata: ListedPod["metadata"] & { readonly name: string };
  readonly spec: {
    readonly initContainers?: readonly {
      readonly name: string;
      readonly volumeMounts?: readonly { readonly mountPath: string }[];
    }[];
  };
}
