import type { Exchange } from "./exchange.ts";

/** Named gates that a test opens. What waits at a gate continues when it opens, so no test depends on time. */
export class Gates {
  readonly #opened = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Opens a gate for everything that waits at it now or later. */
  open(name: string): void {
    this.#opened.add(name);
    for (const go of this.#waiting.get(name) ?? []) go();
    this.#waiting.delete(name);
  }

  /** Closes all gates again. What waits keeps waiting. */
  clear(): void {
    this.#opened.clear();
  }

  /** Resolves when the gate is open or the exchange has ended. */
  passed(name: string, exchange: Exchange): Promise<void> {
    if (this.#opened.has(name)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(name) ?? new Set();
      waiting.add(resolve);
      this.#waiting.set(name, waiting);
      exchange.onEnd(() => {
        waiting.delete(resolve);
        resolve();
      });
    });
  }
}

/** Resolves after a pause, or when the exchange has ended. */
export function pause(ms: number, exchange: Exchange): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    exchange.onEnd(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
