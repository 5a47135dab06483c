/** The release that a `host` stack installs unless told otherwise. */
export const pinnedK3s = {
  version: "v1.36.3+k3s1",
  sha256: {
    amd64: "2f98a9f8fe5782479ee2d54e70a1b10a7f6fd4cae8d38ed3098452dc6eed76b5",
    arm64: "c9a209103f480f163b7c6a56f00862b4481927b284dc29a3716bb70d886691a8",
  },
} as const;

/** `v1.36.3+k3s1`: major, minor, patch and k3s's own revision. */
export const K3S_VERSION = /^v(\d+)\.(\d+)\.(\d+)\+k3s(\d+)$/;

/** The first release that keeps its kubelet's own settings behind those of our file, and does not overrule them. */
const OLDEST_MINOR = 32;

/** Why a release cannot run the machine as it is configured, or `undefined` when it can, or is no release at all. */
export function releaseProblem(version: string): string | undefined {
  const [, major, minor] = K3S_VERSION.exec(version) ?? [];
  return Number(major) === 1 && Number(minor) < OLDEST_MINOR
    ? `is too old: below v1.${OLDEST_MINOR}, k3s overrules the kubelet settings of this stack; take v1.${OLDEST_MINOR} or later`
    : undefined;
}

/** A release of k3s and the SHA-256 of its binary. */
export interface K3sRelease {
  readonly version: string;
  readonly sha256: string;
}

/** Metadata key that names the release the machine should run; the machine waits on it. */
export const RELEASE_KEY = "claude-gateway-k3s";

/** Value of {@link RELEASE_KEY}: one value, so that version and checksum change together. */
export function releaseLine(release: K3sRelease): string {
  return `${release.version} ${release.sha256}`;
}

type Parts = readonly [number, number, number, number];

function parts(version: string): Parts {
  const match = K3S_VERSION.exec(version);
  if (match === null)
    throw new Error(`"${version}" is no k3s release: write it in full, as "v1.36.3+k3s1"`);
  return [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
}

/**
 * Why k3s must not go from one release to another, or `undefined` when it may. Kubernetes supports one
 * minor at a time, and no way back: the datastore is migrated. The machine applies the same rules.
 */
export function upgradeProblem(from: string, to: string): string | undefined {
  const [a, b] = [parts(from), parts(to)];
  const older = b.findIndex((part, index) => part !== a[index]);
  if (older !== -1 && (b[older] ?? 0) < (a[older] ?? 0)) {
    return `${from} -> ${to} is a downgrade: the datastore cannot go back; restore a snapshot instead`;
  }
  if (b[0] !== a[0]) return `${from} -> ${to} changes the major version: make a new host`;
  if (b[1] > a[1] + 1) {
    return `${from} -> ${to} skips a minor: upgrade to v${a[0]}.${a[1] + 1} first`;
  }
  return undefined;
}

/** Processors k3s is published for. */
export type Architecture = "amd64" | "arm64";

/** Processor of a GCE machine type. */
export function architecture(machineType: string): Architecture {
  return /^(t2a|c4a|n4a)-/.test(machineType) ? "arm64" : "amd64";
}
