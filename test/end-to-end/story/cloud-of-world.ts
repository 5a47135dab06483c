import type { Cloud, SecretRole } from "../../lab/host/cloud.ts";
import type { Existing } from "../../lab/pulumi/gcp/world.ts";

const GRANTS: Readonly<Record<string, SecretRole>> = {
  "roles/secretmanager.secretAccessor": "Accessor",
  "roles/secretmanager.secretVersionManager": "VersionManager",
};

/**
 * The cloud around the only machine of a simulated GCE: its metadata, and the secrets that its service account may use.
 * `token` is the value of the secret version that the stack created, because GCE does not return it.
 */
export function cloudOfWorld(
  world: Readonly<Record<string, Existing>>,
  token: string,
): Pick<Cloud, "attributes" | "secrets"> {
  const of = (type: string) =>
    Object.entries(world).filter(([, resource]) => resource.type.endsWith(`:${type}`));
  const [, instance] = of("Instance")[0] ?? [];
  if (instance === undefined) throw new Error("the simulated GCE has no machine");
  const { metadata, serviceAccount } = instance.properties as unknown as {
    metadata: Record<string, string>;
    serviceAccount: { email: string };
  };
  const grants = of("SecretIamMember").map(
    ([, { properties }]) => properties as Record<"secretId" | "role" | "member", string>,
  );
  const withVersion = of("SecretVersion").map(([, { properties }]) => properties.secret);
  const secrets = of("Secret").map(([id]) => {
    const own = grants.find(
      ({ secretId, member }) =>
        secretId === id && member === `serviceAccount:${serviceAccount.email}`,
    );
    const grant = GRANTS[own?.role ?? ""];
    return [
      id,
      { ...(grant && { grant }), ...(withVersion.includes(id) && { value: token }) },
    ] as const;
  });
  return { attributes: metadata, secrets: Object.fromEntries(secrets) };
}
