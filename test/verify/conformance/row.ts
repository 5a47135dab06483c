/** How to make something, and how to remove it. */
export interface Changes<Item, Up> {
  readonly up: (item: Item) => Promise<Up>;
  /** Also called after `up` failed, because it may have left something behind. */
  readonly down: (item: Item) => Promise<void>;
}

/**
 * Items that are used one after another. While one is in use, the previous one is removed and then the next one is made.
 * Only one change runs at a time, so at most three items exist and the machine has capacity left for the one in use.
 */
export class Row<Item, Up> {
  readonly #items: readonly Item[];
  readonly #changes: Changes<Item, Up>;
  readonly #up = new Map<Item, Promise<Up>>();
  readonly #down: Promise<void>[] = [];
  /** Settles after the last queued change. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(items: readonly Item[], changes: Changes<Item, Up>) {
    this.#items = items;
    this.#changes = changes;
  }

  /** Runs a function with an item that is up. The item is removed afterwards, whatever happens. */
  async use<T>(item: Item, work: (up: Up) => Promise<T>): Promise<T> {
    try {
      const up = await this.#bringUp(item);
      const next = this.#items[this.#items.indexOf(item) + 1];
      if (next !== undefined) void this.#bringUp(next);
      return await work(up);
    } finally {
      this.#remove(item);
    }
  }

  /** Removes items that were made and not used, and waits until all are gone. Rejects if one could not be removed. */
  async end(): Promise<void> {
    for (const item of this.#up.keys()) this.#remove(item);
    await this.#last;
    await Promise.all(this.#down);
  }

  #bringUp(item: Item): Promise<Up> {
    const coming = this.#up.get(item) ?? this.#queue(() => this.#changes.up(item));
    this.#up.set(item, coming);
    return coming;
  }

  #remove(item: Item): void {
    if (this.#up.delete(item)) this.#down.push(this.#queue(() => this.#changes.down(item)));
  }

  #queue<T>(change: () => Promise<T>): Promise<T> {
    const queued = this.#last.then(change);
    // The error is thrown when the item is used, or at the end.
    this.#last = queued.catch(() => undefined);
    return queued;
  }
}
