/** Folder of the authorities in the containers of an agent's pod. */
export const TRUST_DIR = "/etc/egress-trust";

const NAME = "egress-trust";

/** The stack's own authority alone, for programs that add it to their list. */
export const AUTHORITY_FILE = `${TRUST_DIR}/authority.pem`;

/** The same and the public ones, for programs that replace their list. */
export const BUNDLE_FILE = `${TRUST_DIR}/bundle.pem`;

/**
 * The folder of a pod. The gate writes it at each start, so that the public authorities are those of the pinned Node image: as a
 * ConfigMap they would be 220 KB in each agent's namespace and in the stack's state.
 */
export const trustVolume = { name: NAME, emptyDir: { sizeLimit: "4Mi" } } as const;

/** Its mount in the gate, which writes it. */
export const trustWriterMount = { name: NAME, mountPath: TRUST_DIR, readOnly: false } as const;

/** Its mount in the other containers. */
export const trustMount = { name: NAME, mountPath: TRUST_DIR, readOnly: true } as const;
