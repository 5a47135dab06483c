/** Stacks and the cluster that spikes are on. Every error is for a person to read. */
export interface Spikes {
  /** Names of the project's stacks. */
  stacks(): Promise<readonly string[]>;
  /** `pulumi stack export`. */
  exportState(stack: string): Promise<string>;
  /** `pulumi destroy`. */
  destroy(stack: string): Promise<void>;
  /** `pulumi stack rm` of a stack that was destroyed. */
  remove(stack: string): Promise<void>;
  /** Runs kubectl and returns what it wrote. */
  kubectl(args: readonly string[]): Promise<string>;
}

export interface ReapOptions {
  /** Delete what no stack owns, too. */
  readonly orphans: boolean;
  /** Receives what the person who reaps is told. */
  readonly report: (text: string) => void;
  /** Starts nothing more once aborted. */
  readonly signal?: AbortSignal;
  /** The present. */
  readonly now?: () => Date;
  /** How long an orphan may take to go. Default 300 s. */
  readonly orphanTimeoutSeconds?: number;
}

/** Names of stacks, or of objects as `Kind/name`. */
export interface Reaped {
  readonly gone: string[];
  readonly kept: string[];
  readonly failed: string[];
}
