import type { Target } from "../../lab/target.ts";
import { listableResources } from "./spike-inventory.ts";

/** Texts that must not contain a secret, by a description. */
export type Surfaces = Readonly<Record<string, string>>;

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

/** Where a secret was found, as plain text or in base64: `secret in surface`. */
export function leaks(surfaces: Surfaces, secrets: Readonly<Record<string, string>>): string[] {
  return Object.entries(surfaces).flatMap(([surface, text]) =>
    Object.entries(secrets)
      .filter(([, secret]) => formsOf(secret).some((form) => text.includes(form)))
      .map(([name]) => `${name} in ${surface}`),
  );
}

/** A value, and its base64 form at each of the offsets that it may have in a longer text. */
function formsOf(value: string): string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const text = Buffer.from("-".repeat(offset) + value).toString("base64");
    // The first and last base64 digits depend on the neighboring characters.
    return text.slice(Math.ceil((offset * 8) / 6), -4);
  });
  return [value, ...encoded];
}
