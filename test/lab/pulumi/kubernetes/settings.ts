/** What the provider's arguments and its environment decide. */
export interface Settings {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string | undefined;
  readonly namespace: string | undefined;
  readonly deleteUnreachable: boolean;
  readonly skipUpdateUnreachable: boolean;
  readonly serverSideApply: boolean;
  readonly patchForce: boolean;
  readonly upsertExistingObjects: boolean;
  readonly configMapsMutable: boolean;
  readonly secretsMutable: boolean;
  readonly requestTimeoutSeconds: number | undefined;
}

/** Arguments that the stand-in does not follow: better no resource at all than one made another way. */
const UNSUPPORTED = ["renderYamlToDirectory"];

/** Reads the arguments; the environment counts only where an argument is unset. */
export function readSettings(
  variables: ReadonlyMap<string, string>,
  env: NodeJS.ProcessEnv,
): Settings {
  for (const name of UNSUPPORTED) {
    if (text(name) !== undefined) {
      throw new Error(
        `the lab's stand-in for the Kubernetes provider does not know the argument ${name}`,
      );
    }
  }
  return {
    kubeconfig: text("kubeconfig"),
    context: text("context"),
    cluster: text("cluster"),
    namespace: text("namespace"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    skipUpdateUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
    serverSideApply: flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", true),
    patchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsertExistingObjects: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    configMapsMutable: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    secretsMutable: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    requestTimeoutSeconds: requestTimeout(variables.get("kubeClientSettings"), env),
  };

  function text(name: string): string | undefined {
    const value = variables.get(name);
    return value === "" ? undefined : value;
  }

  function flag(name: string, variable: string, otherwise = false): boolean {
    const value = variables.get(name) ?? env[variable];
    return value === undefined ? otherwise : value === "true";
  }
}

function requestTimeout(settings: string | undefined, env: NodeJS.ProcessEnv): number | undefined {
  const given = settings === undefined ? {} : (JSON.parse(settings) as { timeout?: unknown });
  const seconds = Number(given.timeout ?? env.PULUMI_K8S_CLIENT_TIMEOUT);
  return Number.isInteger(seconds) && seconds > 0 ? seconds : undefined;
}
