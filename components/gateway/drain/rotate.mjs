// Starts a new file for Envoy's record of requests now and then, so that what was added up can be deleted. Runs in the
// process of the drain helper, which loads it before its own script.
import fs from "node:fs/promises";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

const ADMIN = `http://127.0.0.1:${process.env.ADMIN_PORT}`;
const FILE = process.env.RECORD_FILE;
const DIR = dirname(FILE);
const MAX_BYTES = Number(process.env.ROTATE_BYTES ?? 16 * 1024 * 1024);
const MAX_FILES = Number(process.env.ROTATE_FILES ?? 32);
const MAX_SECONDS = Number(process.env.ROTATE_SECONDS ?? 3600);
const EVERY_SECONDS = Number(process.env.ROTATE_POLL_SECONDS ?? 5);
const REPEAT_MS = 60_000;

/** Touched every few seconds: while it changes, nobody deletes the folder. */
const ALIVE = join(DIR, "alive");

const RENAMED = /^requests-(\d+)\.jsonl$/;

let since = performance.now();
let logged = { message: "", at: 0 };

void forever();

async function forever() {
  for (;;) {
    await Promise.all([attempt(touch), attempt(rotate)]);
    await sleep(EVERY_SECONDS * 1000, undefined, { ref: false });
  }
}

/** Logs an error, and never throws: the helper has to drain Envoy in any case. */
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    const { message } = error;
    if (message === logged.message && Date.now() - logged.at < REPEAT_MS) return;
    logged = { message, at: Date.now() };
    log(message);
  }
}

function log(message) {
  const time = new Date().toISOString();
  console.log(JSON.stringify({ time, level: "error", message: `rotation: ${message}` }));
}

async function touch() {
  await fs.appendFile(ALIVE, "");
  await fs.utimes(ALIVE, new Date(), new Date());
}

async function rotate() {
  const size = await sizeNow();
  const renamed = (await fs.readdir(DIR)).flatMap((name) => RENAMED.exec(name)?.[1] ?? []);
  if (size === undefined) {
    // Envoy opens the next file within its flush interval. Until then it writes to the renamed one.
    if (renamed.length > 0) await reopen();
    return;
  }
  const old = performance.now() - since >= MAX_SECONDS * 1000;
  if (size === 0 || (size < MAX_BYTES && !old)) return;
  // Later than every other, also after a step of the clock: the names are the order.
  const number = Math.max(Date.now(), ...renamed.map((each) => Number(each) + 1));
  await fs.rename(FILE, join(DIR, `requests-${number}.jsonl`));
  since = performance.now();
  await reopen();
  await bound(renamed);
}

/** Deletes the oldest files if nobody adds them up: they must not fill the disk. */
async function bound(renamed) {
  const oldest = renamed.map(Number).sort((a, b) => a - b);
  for (const number of oldest.slice(0, Math.max(0, oldest.length + 1 - MAX_FILES))) {
    await fs.rm(join(DIR, `requests-${number}.jsonl`), { force: true });
    log(
      `deleted requests-${number}.jsonl, which nobody has added up: see the pod with the role usage`,
    );
  }
}

/** Undefined if there is no file. */
async function sizeNow() {
  try {
    return (await fs.stat(FILE)).size;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function reopen() {
  const response = await fetch(`${ADMIN}/reopen_logs`, { method: "POST" });
  if (!response.ok) throw new Error(`Envoy answered ${response.status} to /reopen_logs`);
}
