/** How something is made before its use, and removed afterwards. */
export interface Changes<Item, Up> {
  readonly up: (item: Item) => Promise<Up>;
  /** Also called where `up` failed, and may have left something. */
  readonly down: (item: Item) => Promise<void>;
}

/**
 * Items that are used one after another. While one is in use, the one before it is removed and then the next one is
 * made: one change at a time, so that there are never more than three, and the machine is left enough for the use.
 */
export class Row<Item, Up> {
  readonly #items: readonly Item[];
  readonly #changes: Changes<Item, Up>;
  readonly #up = new Map<Item, Promise<Up>>();
  readonly #down: Promise<void>[] = [];
  /** Settles after the change that was queued last; does not reject. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(items: readonly Item[], changes: Changes<Item, Up>) {
    this.#items = items;
    this.#changes = changes;
  }

  /** Does something with an item that is up, which is removed afterwards whatever happens. */
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

  /** Removes what was made and not used, and waits until all is gone; rejects if something could not be removed. */
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
    // A failure is told to whoever uses the item, or at the end.
    this.#last = queued.catch(() => undefined);
    return queued;
  }
}
