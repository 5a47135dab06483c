// Keeps the sums on the volume. A head, `head-<number>.json`, names one file for each day and says how far each pod's
// lines are included in them. Whoever has read head n writes new files of the days that changed, and then makes head n+1
// with link(), which fails if it exists. So of two programs that add the same lines only one succeeds, and a program that
// dies in between leaves the last head as it was.
import { randomUUID } from "node:crypto";
import { join } from "node:path";

const HEAD = /^head-(\d+)\.json$/;

/** Any file, with the number of the head that it was written for. */
const OF_HEAD = /^(?:head-|draft\.|day-[\d-]+\.)(\d+)\./;

/** Freed when the disk is full, so that there is room for the step after which files can be deleted. */
const RESERVE = "reserve";
const RESERVE_BYTES = 1024 * 1024;

/** The state before anything was added. */
function nothing() {
  return { days: {}, pods: {}, problems: { malformed: 0, shrunk: 0 } };
}

export class Store {
  #dir;
  #fs;

  /** @param fs the functions of `node:fs`. */
  constructor(dir, fs) {
    this.#dir = dir;
    this.#fs = fs;
    fs.mkdirSync(dir, { recursive: true });
  }

  /** The newest head and its number. */
  load() {
    return this.#whileReplaced(() => {
      const number = this.#newest();
      return {
        number,
        ...(number === 0 ? nothing() : this.#read(headName(number))),
      };
    });
  }

  /** The rows of a day in a head. */
  rows(head, date) {
    const file = head.days[date];
    return file === undefined ? [] : this.#read(file);
  }

  /** Every day of the newest head, the oldest first, and what went wrong. */
  all() {
    return this.#whileReplaced(() => {
      const head = this.load();
      const days = Object.keys(head.days).sort();
      return {
        days: days.map((date) => ({ date, rows: this.rows(head, date) })),
        problems: head.problems,
      };
    });
  }

  /**
   * Replaces the head that `head.number` was, with new rows for some days. Returns false if another program replaced it
   * first; then nothing has changed. Throws if the disk is full; then too.
   */
  commit(head, changed) {
    const number = head.number + 1;
    const suffix = `${number}.${randomUUID()}.json`;
    const draft = `draft.${suffix}`;
    const written = Object.fromEntries(
      Object.keys(changed).map((date) => [date, `day-${date}.${suffix}`]),
    );
    const days = { ...head.days, ...written };
    try {
      for (const [date, rows] of Object.entries(changed)) this.#write(written[date], rows);
      this.#write(draft, { days, pods: head.pods, problems: head.problems });
      this.#fs.linkSync(this.#path(draft), this.#path(headName(number)));
    } catch (error) {
      for (const name of [draft, ...Object.values(written)]) this.#delete(name);
      // ENOENT: whoever replaced the head has deleted the draft.
      if (error.code === "EEXIST" || error.code === "ENOENT") return false;
      throw error;
    }
    this.#syncFolder();
    // A slow program can make a head again that was deleted. Then there is a newer one.
    if (this.#newest() !== number) return false;
    this.#deleteOlder(number, new Set([headName(number), ...Object.values(days)]));
    return true;
  }

  /** Does something that needs space; if there is none, with the reserve. */
  withReserve(act) {
    try {
      return act();
    } catch (error) {
      if (!isFull(error) || !this.#fs.existsSync(this.#path(RESERVE))) throw error;
      this.#fs.unlinkSync(this.#path(RESERVE));
      return act();
    }
  }

  /** Makes the reserve, if there is room for it. */
  reserve() {
    const path = this.#path(RESERVE);
    if (this.#fs.existsSync(path)) return;
    try {
      this.#fs.writeFileSync(path, Buffer.alloc(RESERVE_BYTES, 1));
    } catch (error) {
      this.#fs.rmSync(path, { force: true });
      if (!isFull(error)) throw error;
    }
  }

  /** The number of the newest head; 0 if there is none. */
  #newest() {
    const numbers = this.#fs
      .readdirSync(this.#dir)
      .map((name) => Number(HEAD.exec(name)?.[1] ?? 0));
    return Math.max(0, ...numbers);
  }

  /** Repeats a look at files that another program may replace meanwhile. */
  #whileReplaced(look) {
    for (let tries = 1; ; tries++) {
      try {
        return look();
      } catch (error) {
        if (error.code !== "ENOENT" || tries === 20) throw error;
      }
    }
  }

  #read(name) {
    return JSON.parse(this.#fs.readFileSync(this.#path(name), "utf8"));
  }

  /** Writes a file so that it is whole after a power cut too. */
  #write(name, value) {
    this.#fs.writeFileSync(this.#path(name), JSON.stringify(value), { flush: true });
  }

  #syncFolder() {
    const folder = this.#fs.openSync(this.#dir, "r");
    try {
      this.#fs.fsyncSync(folder);
    } finally {
      this.#fs.closeSync(folder);
    }
  }

  /** Deletes what belongs to earlier heads, and what other programs wrote to replace them. */
  #deleteOlder(number, kept) {
    for (const name of this.#fs.readdirSync(this.#dir)) {
      const of = Number(OF_HEAD.exec(name)?.[1] ?? Infinity);
      if (of <= number && !kept.has(name)) this.#delete(name);
    }
  }

  #delete(name) {
    this.#fs.rmSync(this.#path(name), { force: true });
  }

  #path(name) {
    return join(this.#dir, name);
  }
}

function headName(number) {
  return `head-${number}.json`;
}

function isFull(error) {
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}
