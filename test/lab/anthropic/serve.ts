import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import type { AnswerRequest } from "./api.ts";
import { type Address, startFakeAnthropic, type TlsIdentity } from "./server.ts";

/** Splits `host:port`, with brackets around an IPv6 address. */
function address(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (match === null || host === undefined) {
    throw new Error(`"${text}" is not an address: write host:port, for example 127.0.0.1:8080`);
  }
  return { host, port: Number(match[3]) };
}

function readIdentities(certs: readonly string[], keys: readonly string[]): TlsIdentity[] {
  if (certs.length !== keys.length) throw new Error("give one --key for each --cert, in order");
  return certs.map((cert, index) => ({
    cert: readFileSync(cert, "utf8"),
    key: readFileSync(keys[index] ?? "", "utf8"),
  }));
}

/** Runs a fake API until SIGTERM or SIGINT, with arguments as in main.ts. `answer` is another provider's API. Default Anthropic's. */
export async function serve(args: readonly string[], answer?: AnswerRequest): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      listen: { type: "string", multiple: true, default: [] },
      "listen-http": { type: "string", multiple: true, default: [] },
      cert: { type: "string", multiple: true, default: [] },
      key: { type: "string", multiple: true, default: [] },
      control: { type: "string" },
      credentials: { type: "string" },
      "idle-seconds": { type: "string" },
    },
  });
  if (values.listen.length + values["listen-http"].length === 0) {
    throw new Error("nothing to listen on: give --listen or --listen-http");
  }
  const fake = await startFakeAnthropic({
    tls: values.listen.map(address),
    http: values["listen-http"].map(address),
    identities: readIdentities(values.cert, values.key),
    ...(answer === undefined ? {} : { answer }),
    ...(values.control === undefined ? {} : { control: values.control }),
    ...(values["idle-seconds"] === undefined
      ? {}
      : { idleSeconds: Number(values["idle-seconds"]) }),
    // One per line in a file, because every process can read the command line of every other.
    credentials:
      values.credentials === undefined
        ? []
        : readFileSync(values.credentials, "utf8")
            .split("\n")
            .map((line) => line.trim())
            .filter((line) => line !== ""),
  });
  const stop = () => {
    void fake.close().then(() => {
      process.exit(0);
    });
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.stdout.write(`${JSON.stringify({ tls: fake.tls, http: fake.http })}\n`);
}
