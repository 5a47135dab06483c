// Adds the lines of every pod to the sums. It may be stopped at any moment, and run twice at the same time.
import { join } from "node:path";
import { lastChange, podFolders, readFolder } from "./folders.mjs";
import { Store } from "./store.mjs";
import { Day, readLine, reported } from "./totals.mjs";

/** Where the sums are, beside the pods' folders. */
const SUMS = ".record";

/**
 * How many days with requests are kept, the newest ones. No clock decides what is deleted, so that a clock that is wrong for
 * a moment deletes one day at most.
 */
const DAYS_KEPT = 90;

/** A pod is gone when nothing in its folder has changed for so long. Its rotation touches a file every few seconds. */
const GONE_MS = 3_600_000;

/** Errors of one folder, which say nothing about the others. */
const UNREADABLE = ["EACCES", "EIO", "EUCLEAN"];

/** How often lines are read again, because another program has added them meanwhile. */
const TRIES = 5;

export class Adder {
  #root;
  #fs;
  #store;
  #uptime;
  /** The last change of each pod's folder, and since when it is the last. */
  #seen = new Map();

  /**
   * @param root the volume
   * @param fs the functions of `node:fs`
   * @param uptime milliseconds of a clock that nobody sets: a time that jumps must not make pods look gone
   */
  constructor({ root, fs, uptime }) {
    this.#root = root;
    this.#fs = fs;
    this.#uptime = uptime;
    this.#store = new Store(join(root, SUMS), fs);
  }

  /**
   * Adds what is new. Returns how many lines were no record of a request, how many files shrank, and the error of a folder
   * that could not be read, if there was one: the others are added.
   */
  add() {
    for (let tries = 1; tries <= TRIES; tries++) {
      const head = this.#store.load();
      const pass = this.#read(head);
      if (!this.#save(head, pass)) continue;
      for (const path of pass.done) this.#fs.rmSync(path, { force: true });
      for (const pod of pass.gone) this.#deleteFolder(pod);
      this.#store.reserve();
      return { malformed: pass.malformed, shrunk: pass.shrunk, error: pass.error };
    }
    return { malformed: 0, shrunk: 0 };
  }

  /** What was added so far, as `npm run usage` takes it. */
  report() {
    const { days, problems } = this.#store.all();
    return { days: days.flatMap(({ date, rows }) => reported(date, rows)), problems };
  }

  /** Reads every pod's folder. */
  #read(head) {
    const pass = { days: new Map(), pods: {}, done: [], gone: [], malformed: 0, shrunk: 0 };
    const onLine = (text) => {
      const line = readLine(text);
      if (line === undefined) pass.malformed++;
      else {
        const day = pass.days.get(line.day) ?? new Day(this.#store.rows(head, line.day));
        day.add(line.agent, line.model, line.sums);
        pass.days.set(line.day, day);
      }
    };
    for (const pod of podFolders(this.#fs, this.#root)) {
      const folder = join(this.#root, pod);
      const before = head.pods[pod] ?? { offset: 0, read: {} };
      let ended;
      try {
        ended = this.#isGone(pod, folder);
      } catch (error) {
        if (!UNREADABLE.includes(error.code)) throw error;
        pass.pods[pod] = before;
        pass.error = error;
        continue;
      }
      const { state, done, shrunk } = readFolder(this.#fs, folder, { ...before, ended }, onLine);
      pass.pods[pod] = state;
      pass.done.push(...done);
      if (ended) pass.gone.push(pod);
      pass.shrunk += shrunk;
    }
    return pass;
  }

  /** Returns false if another program was faster. */
  #save(head, { days, pods, malformed, shrunk }) {
    const dates = new Set([...Object.keys(head.days), ...days.keys()]);
    const kept = new Set([...dates].sort().slice(-DAYS_KEPT));
    const next = {
      number: head.number,
      days: Object.fromEntries(Object.entries(head.days).filter(([date]) => kept.has(date))),
      pods,
      problems: {
        malformed: head.problems.malformed + malformed,
        shrunk: head.problems.shrunk + shrunk,
      },
    };
    const changed = Object.fromEntries(
      [...days].filter(([date]) => kept.has(date)).map(([date, day]) => [date, day.rows()]),
    );
    if (days.size === 0 && JSON.stringify(next) === JSON.stringify(head)) return true;
    return this.#store.withReserve(() => this.#store.commit(next, changed));
  }

  #isGone(pod, folder) {
    const change = lastChange(this.#fs, folder);
    const seen = this.#seen.get(pod);
    if (seen?.change === change) return this.#uptime() - seen.since >= GONE_MS;
    this.#seen.set(pod, { change, since: this.#uptime() });
    return false;
  }

  /** Deletes the folder of a pod that is gone. All that it holds was read, and that is saved. */
  #deleteFolder(pod) {
    this.#fs.rmSync(join(this.#root, pod), { recursive: true, force: true });
    this.#seen.delete(pod);
  }
}
