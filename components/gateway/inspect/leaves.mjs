// Keeps a certificate for the inspected hosts in the folder that Envoy watches: `leaves.mjs FILE`, with its configuration.
// esbuild bundles it with the library that writes ASN.1, because it runs from a ConfigMap on a plain Node image.
import fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeLeaf, readAuthority } from "./leaf.mjs";

/** Wait after a failure. */
const RETRY_SECONDS = 5;

/** The log says so often that the authority ends soon. */
const REMIND_SECONDS = 24 * 3600;

const [file = ""] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(file, "utf8"));
let current;
let remindAt = 0;
for (;;) {
  let wait = config.checkSeconds;
  try {
    step(Date.now() / 1000);
  } catch (error) {
    log("error", `no new certificate: ${error.message}`);
    wait = Math.min(RETRY_SECONDS, wait);
  }
  await sleep(wait * 1000);
}

/** Makes a certificate if the one in use is old, or of another authority, or if the clock was set. */
function step(now) {
  const pem = fs.readFileSync(config.certificateFile, "utf8");
  const due =
    current === undefined ||
    current.authority !== pem ||
    now < current.madeAt - 1 ||
    now >= current.madeAt + config.renewAfterSeconds;
  if (!due) return;
  const authority = readAuthority(pem, fs.readFileSync(config.keyFile, "utf8"));
  if (authority.endsAt <= now) {
    throw new Error(
      `the authority ended at ${iso(authority.endsAt)}, or this machine's clock is wrong (${iso(now)})`,
    );
  }
  // Nothing that outlives its authority. The past hour is for clocks that are behind.
  const endsAt = Math.min(now + config.lifetimeSeconds, authority.endsAt);
  const leaf = makeLeaf(authority, {
    hosts: config.hosts,
    beginsAt: now - config.backdatedSeconds,
    endsAt,
  });
  give(leaf);
  current = { authority: pem, madeAt: now };
  log("info", `new certificate for ${config.hosts.length} hosts, good until ${iso(endsAt)}`);
  if (authority.endsAt - now < config.warnBeforeSeconds && now >= remindAt) {
    remindAt = now + REMIND_SECONDS;
    log(
      "warning",
      `the authority ends at ${iso(authority.endsAt)}: README says how to make a new one`,
    );
  }
}

/** Envoy sees the old file or the new one, and nothing in between. */
function give({ certificate, key }) {
  const secret = {
    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
    name: config.secretName,
    tls_certificate: {
      certificate_chain: { inline_string: certificate },
      private_key: { inline_string: key },
    },
  };
  const draft = join(dirname(config.output), `.${basename(config.output)}.draft`);
  fs.writeFileSync(draft, JSON.stringify({ resources: [secret] }), { mode: 0o600 });
  fs.renameSync(draft, config.output);
}

function iso(seconds) {
  return new Date(seconds * 1000).toISOString();
}

function log(level, message) {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message }));
}
