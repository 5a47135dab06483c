// Adds up what agents spend, from the lines that Envoy writes about requests. `record.mjs` does so until it is stopped;
// `record.mjs report` does so once and prints the sums. Both may run at the same time. It has no dependencies, because it
// runs from a ConfigMap on a plain Node image.
import fs from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Adder } from "./adder.mjs";

const ROOT = process.env.RECORD_DIR;
if (!ROOT) throw new Error("RECORD_DIR must be set to the folder of the volume");

const EVERY_SECONDS = 5;

/** How often the log repeats that something does not work. */
const REPEAT_MS = 60_000;

const MESSAGES = {
  malformed: "lines that are no record of a request are left out",
  shrunk: "files became shorter than what was read of them",
};

const adder = new Adder({ root: ROOT, fs, uptime: () => performance.now() });
let logged = { message: "", at: 0 };

if (process.argv[2] === "report") {
  // What could not be added now is missing, and the sums are still worth a look.
  const error = addOnce();
  console.log(JSON.stringify({ ...adder.report(), ...(error && { error: error.message }) }));
} else {
  for (;;) {
    const error = addOnce();
    if (error !== undefined) complain(error.message);
    await sleep(EVERY_SECONDS * 1000);
  }
}

/** Returns the error, if the lines could not be added. */
function addOnce() {
  try {
    const { error, ...problems } = adder.add();
    for (const [name, count] of Object.entries(problems)) {
      if (count > 0) log({ level: "warning", message: MESSAGES[name], count });
    }
    return error;
  } catch (error) {
    return error;
  }
}

function complain(message) {
  if (message === logged.message && Date.now() - logged.at < REPEAT_MS) return;
  logged = { message, at: Date.now() };
  log({ level: "error", message: `lines were not added, will try again: ${message}` });
}

function log(fields) {
  // Standard output is the report's.
  console.error(JSON.stringify({ time: new Date().toISOString(), ...fields }));
}
