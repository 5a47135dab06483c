// Makes the short-lived credentials that Envoy sends: `mint.mjs FILE…`, each file a configuration of one credential. It has
// no dependencies: each exchange is one request, and a bundled library would be more to trust with every credential.
import fs from "node:fs";
import { uptime } from "node:os";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { anthropic } from "./anthropic.mjs";
import { github } from "./github.mjs";
import { google } from "./google.mjs";
import { Loop } from "./loop.mjs";
import { Store } from "./store.mjs";

const SOURCES = { anthropic, google, github };

/** How often the log repeats that something does not work. */
const REPEAT_SECONDS = 60;

const files = process.argv.slice(2);
if (files.length === 0)
  throw new Error("name the configuration of each credential: mint.mjs FILE…");
await Promise.all(files.map(forever));

async function forever(file) {
  const config = JSON.parse(fs.readFileSync(file, "utf8"));
  const { kind, ...settings } = config.source;
  const source = SOURCES[kind]?.(settings);
  if (source === undefined) throw new Error(`${file} names no known source: ${String(kind)}`);
  const loop = new Loop({
    config,
    source,
    store: new Store({ fs, ...config }),
    fs,
    now: () => Date.now() / 1000,
    uptime,
    log: logger(basename(config.output, ".json")),
  });
  loop.start();
  await Promise.all([repeat(() => loop.step()), repeat(() => loop.end())]);
}

/** Calls a function for ever, each time after the seconds that it returned. */
async function repeat(act) {
  for (;;) await sleep((await act()) * 1000);
}

/** Writes a line to the log, unless it is the same again. */
function logger(credential) {
  let last = { text: "", at: 0 };
  return (level, message) => {
    const text = message.replaceAll(/\d+/g, "#");
    if (text === last.text && uptime() - last.at < REPEAT_SECONDS) return;
    last = { text, at: uptime() };
    console.log(JSON.stringify({ time: new Date().toISOString(), level, credential, message }));
  };
}
