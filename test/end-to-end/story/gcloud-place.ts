/** Environment variable with a {@link GcloudPlace} as JSON. */
export const PLACE_VARIABLE = "CLAUDE_GATEWAY_GCLOUD";

/** Where the simulated gcloud finds the lab's Google Cloud. */
export interface GcloudPlace {
  /** Folder of the simulated gcp provider's resources. */
  readonly world: string;
  /** Folder of the host machine. */
  readonly machine: string;
  /** What listens on the machine's port 6443. */
  readonly api: { readonly host: string; readonly port: number };
  /** Whether the signed-in account may read secrets. Default: it may. */
  readonly readsSecrets?: boolean;
}
