import type { Target } from "../../lab/target.ts";
import type { Surfaces } from "../../verify/secrets/leaks.ts";
import { listableResources } from "./spike-inventory.ts";

/** Pulumi's marker of a secret in an export with decrypted secrets. */
interface ExportedSecret {
  readonly plaintext: string;
}

/** The random values that a stack generated, by resource name. Needs an export with decrypted secrets. */
export function drawnSecrets(exportText: string): Record<string, string> {
  const { deployment } = JSON.parse(exportText) as {
    deployment: {
      resources: { urn: string; type: string; outputs?: { result?: ExportedSecret } }[];
    };
  };
  const drawn = deployment.resources.filter(({ type }) => type.endsWith(":RandomPassword"));
  return Object.fromEntries(
    drawn.map(({ urn, outputs }) => {
      const name = urn.split("::").at(-1) ?? urn;
      if (outputs?.result === undefined) throw new Error(`${name} has no secret result`);
      return [name, JSON.parse(outputs.result.plaintext) as string];
    }),
  );
}

/** All texts of a namespace's objects, except Secrets, and the logs of its containers. */
export async function namespaceSurfaces(target: Target, namespace: string): Promise<Surfaces> {
  const resources = (await listableResources(target)).filter((name) => name !== "secrets");
  const { items } = JSON.parse(
    await target.kubectl(["get", [...resources, "events"].join(), "-n", namespace, "-o", "json"]),
  ) as { items: { kind: string; metadata: { name: string; namespace?: string } }[] };
  const objects = items.map(
    (object) =>
      [
        `${object.kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`,
        JSON.stringify(object),
      ] as const,
  );
  const pods = items.filter(({ kind }) => kind === "Pod").map(({ metadata }) => metadata.name);
  const logs = pods.map(async (pod) => {
    const all = ["--all-containers", "--tail=-1"];
    return [`log of ${pod}`, await target.kubectl(["logs", "-n", namespace, pod, ...all])] as const;
  });
  return Object.fromEntries([...objects, ...(await Promise.all(logs))]);
}
