/** Environment variable that has a {@link GcloudPlace} as JSON. */
export const PLACE_VARIABLE = "CLAUDE_GATEWAY_GCLOUD";

/** Where the stand-in for gcloud finds the lab's Google Cloud. */
export interface GcloudPlace {
  /** Folder of what the stand-in for the gcp provider made. */
  readonly world: string;
  /** Folder of the host machine. */
  readonly machine: string;
  /** What listens on that machine's port 6443. */
  readonly api: { readonly host: string; readonly port: number };
}
