import type { types } from "@pulumi/kubernetes";
import { readFileSync } from "node:fs";
import { restartedNodeCommand } from "../../kubernetes/node-command.ts";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import type { MintConfig } from "./config.ts";
import { allNames, type MintedNames, readyTests } from "./ready.ts";
import { ASSERTION_DIR, assertionPath, outputFile, TOKENS_DIR, stateFile } from "./place.ts";

/** Folder of the scripts and of the configurations in the helper's container. */
const MOUNT = "/etc/mint";

const SCRIPTS = [
  "mint.mjs",
  "loop.mjs",
  "store.mjs",
  "assertion.mjs",
  "call.mjs",
  "answer.mjs",
  "anthropic.mjs",
  "google.mjs",
  "github.mjs",
] as const;

/** Names of the pod's volumes. `mint` is the ConfigMap with {@link mintFiles}. */
export const mintVolumeNames = {
  scripts: "mint",
  tokens: "tokens",
  assertions: "assertions",
} as const;

/** Size of the folder in memory. A token takes up to 16 KiB, and each is there a few times. */
const TOKENS_SIZE = "4Mi";

/**
 * Shortest life of an assertion that Kubernetes allows, in seconds. Of an assertion only one token can be made, so the
 * shortest one brings the next token soonest: the kubelet renews it after 480 s.
 */
export const ASSERTION_SECONDS = 600;

/** Service account of a pod with the helper. It may do nothing in the cluster; its name is what providers trust. */
export const mintAccount = "claude-gateway";

/** Subject of the assertions of a pod in a namespace, as the provider has to be told. */
export function mintSubject(namespace: string): string {
  return `system:serviceaccount:${namespace}:${mintAccount}`;
}

/** Files of the ConfigMap `mint`: the scripts, and a configuration for each credential, by name. */
export function mintFiles(configs: Readonly<Record<string, MintConfig>>): Record<string, string> {
  return {
    ...Object.fromEntries(
      SCRIPTS.map((file) => [file, readFileSync(new URL(file, import.meta.url), "utf8")]),
    ),
    ...Object.fromEntries(
      Object.entries(configs).map(([name, config]) => [
        configFile(name),
        `${JSON.stringify(config, null, 2)}\n`,
      ]),
    ),
  };
}

/**
 * The helper as a sidecar: it starts before Envoy, which needs a file to start with. The file has no token at first, so that
 * Envoy starts in any case and answers itself. The pod gets Ready with the first token, and stays it without: so a new
 * configuration that does not work replaces no pod that does, and an outage takes no answer of the gateway's own away.
 */
export function mintContainer(args: {
  readonly image: string;
  readonly names: MintedNames;
  /** Whether one of them needs an assertion. Default true. */
  readonly assertions?: boolean;
  /** Mounts in addition, for example of a GitHub App's private key. Default none. */
  readonly volumeMounts?: readonly types.input.core.v1.VolumeMount[];
}): types.input.core.v1.Container {
  const { image, names, assertions = true, volumeMounts = [] } = args;
  const files = allNames(names)
    .map((name) => ` ${MOUNT}/${configFile(name)}`)
    .join("");
  return {
    name: "mint",
    image,
    restartPolicy: "Always",
    command: restartedNodeCommand(`${MOUNT}/mint.mjs${files}`, { heapMiB: 64 }),
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "5m", memory: "48Mi" }, limits: { memory: "128Mi" } },
    startupProbe: {
      exec: { command: shell(allNames(names).map((name) => `test -e ${outputFile(name)}`)) },
      periodSeconds: 1,
      failureThreshold: 60,
    },
    readinessProbe: {
      // What it prints is in the pod's events.
      exec: {
        command: shell(
          readyTests(names, (name) => `{ cat ${stateFile(name, "problem")}; false; }`),
        ),
      },
      periodSeconds: 2,
    },
    volumeMounts: [
      { name: mintVolumeNames.scripts, mountPath: MOUNT, readOnly: true },
      { name: mintVolumeNames.tokens, mountPath: TOKENS_DIR },
      ...(assertions
        ? [{ name: mintVolumeNames.assertions, mountPath: ASSERTION_DIR, readOnly: true }]
        : []),
      ...volumeMounts,
    ],
  };
}

/** Envoy's mount of the tokens. The folder is the one that it watches. */
export const mintTokensMount: types.input.core.v1.VolumeMount = {
  name: mintVolumeNames.tokens,
  mountPath: TOKENS_DIR,
  readOnly: true,
};

/** Volumes of a pod with the helper, besides its ConfigMap. */
export function mintVolumes(args: {
  /** Audience of the assertion of each credential, by name. A credential that needs no assertion is absent. */
  readonly audiences: Readonly<Record<string, string>>;
}): types.input.core.v1.Volume[] {
  const sources = Object.entries(args.audiences).map(([name, audience]) => ({
    serviceAccountToken: {
      audience,
      expirationSeconds: ASSERTION_SECONDS,
      path: assertionPath(name),
    },
  }));
  return [
    { name: mintVolumeNames.tokens, emptyDir: { medium: "Memory", sizeLimit: TOKENS_SIZE } },
    ...(sources.length === 0 ? [] : [{ name: mintVolumeNames.assertions, projected: { sources } }]),
  ];
}

function configFile(name: string): string {
  return `${name}.json`;
}

function shell(tests: readonly string[]): string[] {
  return ["sh", "-c", tests.join(" && ")];
}
