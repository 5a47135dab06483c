/** The release that a `host` stack installs by default. */
export const pinnedK3s = {
  version: "v1.36.3+k3s1",
  sha256: {
    amd64: "2f98a9f8fe5782479ee2d54e70a1b10a7f6fd4cae8d38ed3098452dc6eed76b5",
    arm64: "c9a209103f480f163b7c6a56f00862b4481927b284dc29a3716bb70d886691a8",
  },
} as const;

/** `v1.36.3+k3s1`: major, minor, patch and k3s's own revision. */
export const K3S_VERSION = /^v(\d+)\.(\d+)\.(\d+)\+k3s(\d+)$/;

/** From this minor on, our kubelet settings file wins over k3s's own kubelet settings. */
const OLDEST_MINOR = 32;

/** Says why a release cannot run with this configuration; `undefined` if it can, or if `version` is not a release. */
export function releaseProblem(version: string): string | undefined {
  const [, major, minor] = K3S_VERSION.exec(version) ?? [];
  return Number(major) === 1 && Number(minor) < OLDEST_MINOR
    ? `is too old: below v1.${OLDEST_MINOR}, k3s overrules the kubelet settings of this stack; take v1.${OLDEST_MINOR} or later`
    : undefined;
}

/** A k3s release and the SHA-256 of its binary. */
export interface K3sRelease {
  readonly version: string;
  readonly sha256: string;
}

/** Metadata key that names the release the machine should run. The machine waits for changes to it. */
export const RELEASE_KEY = "claude-gateway-k3s";

/** Value of {@link RELEASE_KEY}. Version and checksum are in one value so that they change together. */
export function releaseLine(release: K3sRelease): string {
  return `${release.version} ${release.sha256}`;
}

type Parts = readonly [number, number, number, number];

function parts(version: string): Parts {
  const match = K3S_VERSION.exec(version);
  if (match === null)
    throw new Error(
      `"${version}" is not a k3s release: write it in full, for example "v1.36.3+k3s1"`,
    );
  return [Number(match[1]), Number(match[2]), Number(match[3]), Number(match[4])];
}

/**
 * Says why k3s must not go from one release to another; `undefined` if it may. Kubernetes supports upgrades of one minor
 * at a time and no downgrades, because the datastore is migrated. The machine applies the same rules (upgrade.sh).
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
