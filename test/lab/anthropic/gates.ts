import type { Exchange } from "./exchange.ts";

/** Named gates that a test opens: what waits at one goes on then, so that no test depends on time. */
export class Gates {
  readonly #opened = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Opens a gate for all that wait there and all that come later. */
  open(name: string): void {
    this.#opened.add(name);
    for (const go of this.#waiting.get(name) ?? []) go();
    this.#waiting.delete(name);
  }

  /** Shuts all gates again; what waits goes on waiting. */
  clear(): void {
    this.#opened.clear();
  }

  /** Resolves when the gate is open, or the exchange is over. */
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

/** Resolves after a pause, or when the exchange is over. */
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
