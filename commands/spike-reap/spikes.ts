/** The Pulumi stacks and the cluster of spikes. Every error message is written for the user. */
export interface Spikes {
  /** Names of the project's stacks. */
  stacks(): Promise<readonly string[]>;
  /** `pulumi stack export`. */
  exportState(stack: string): Promise<string>;
  /** `pulumi destroy`. */
  destroy(stack: string): Promise<void>;
  /** `pulumi stack rm` of a destroyed stack. */
  remove(stack: string): Promise<void>;
  /** Runs kubectl and returns its stdout. */
  kubectl(args: readonly string[]): Promise<string>;
}

export interface ReapOptions {
  /** Also delete what no stack owns. */
  readonly orphans: boolean;
  /** Receives the progress messages for the user. */
  readonly report: (text: string) => void;
  /** When aborted, nothing new is started. */
  readonly signal?: AbortSignal;
  /** Returns the current time. */
  readonly now?: () => Date;
  /** How long to wait until an orphan is gone, in seconds. Default 300. */
  readonly orphanTimeoutSeconds?: number;
}

/** Names of stacks, or of objects written as `Kind/name`. */
export interface Reaped {
  readonly gone: string[];
  readonly kept: string[];
  readonly failed: string[];
}
