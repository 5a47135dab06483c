import { BadInput } from "../../cli/command-line.ts";
import type { Target } from "../../test/lab/target.ts";

/** Who signs a cluster's service-account tokens. */
export interface ClusterIssuer {
  /** The claim `iss` of its tokens. */
  readonly issuer: string;
  /** Its public keys, as JSON Web Keys. */
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

type Cluster = Pick<Target, "kubectl" | "title">;

/** Asks a cluster who signs its tokens. Throws {@link BadInput} if it does not say. */
export async function clusterIssuer(cluster: Cluster): Promise<ClusterIssuer> {
  const { issuer } = await read(cluster, "/.well-known/openid-configuration");
  if (typeof issuer !== "string" || !issuer.startsWith("https://")) {
    throw new BadInput(
      `the issuer of ${cluster.title} is ${JSON.stringify(issuer)}, and Anthropic takes only https URLs: start the API server with --service-account-issuer=https://…`,
    );
  }
  const { keys } = await read(cluster, "/openid/v1/jwks");
  if (!Array.isArray(keys) || keys.length === 0 || !keys.every(isObject)) {
    throw new BadInput(`${cluster.title} publishes no keys: kubectl get --raw /openid/v1/jwks`);
  }
  return { issuer, keys };
}

async function read(cluster: Cluster, path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await cluster.kubectl(["get", "--raw", path]);
  } catch (error) {
    const reason = (error as Error).message.replaceAll(/\s+/g, " ").trim();
    throw new BadInput(
      `${cluster.title} does not say who signs its tokens: kubectl get --raw ${path}: ${reason}`,
      { cause: error },
    );
  }
  try {
    const json: unknown = JSON.parse(text);
    if (isObject(json)) return json;
  } catch {
    // Said below.
  }
  throw new BadInput(
    `${cluster.title} answered kubectl get --raw ${path} with text that is not JSON`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
