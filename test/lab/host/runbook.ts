import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";

import { commandBlocks } from "../docs/command-blocks.ts";
import { gcloud } from "./gcloud.ts";
import type { HostMachine } from "./machine.ts";

const HOST_RUNBOOK = "docs/runbook-host.md";
const ROOT = join(import.meta.dirname, "../../..");

const OUTPUTS = {
  project: "my-project",
  zone: "europe-west1-b",
  instance: "gateway-host",
  kubeconfigSecret: "gateway-host-kubeconfig",
};

/** What a command of the runbook did. */
export interface Typed {
  readonly line: string;
  readonly exitCode: number;
  readonly output: string;
}

/** A `gcloud` that asks the test, which has the machine. */
const GCLOUD = `#!${process.execPath}
const { request } = require("node:http");
request({ socketPath: process.env.GCLOUD_SOCKET, method: "POST" }, (answer) => {
  process.exitCode = Number(answer.headers.status);
  answer.pipe(answer.headers.status === "0" ? process.stdout : process.stderr);
}).end(JSON.stringify(process.argv.slice(2)));
`;

/** Types every command of docs/runbook-host.md once, as a person would, with the stand-in for gcloud on PATH. */
export async function typeHostRunbook(machine: HostMachine): Promise<Typed[]> {
  const dir = mkdtempSync(join(tmpdir(), "claude-gateway-runbook-"));
  const socket = join(dir, "gcloud.sock");
  const server = createServer((request, response) => {
    void (async () => {
      const argv = JSON.parse(await text(request)) as string[];
      const { status, output } = await gcloud(machine, argv);
      response.writeHead(200, { status: String(status) }).end(output);
    })();
  }).listen(socket);
  await once(server, "listening");
  writeFileSync(join(dir, "gcloud"), GCLOUD, { mode: 0o755 });
  writeFileSync(join(dir, "pulumi"), `#!/bin/sh\necho '${JSON.stringify(OUTPUTS)}'\n`, {
    mode: 0o755,
  });
  const page = readFileSync(join(ROOT, HOST_RUNBOOK), "utf8");
  const [exports = "", ...lines] = new Set(
    commandBlocks(HOST_RUNBOOK, page).flatMap((block) => block.lines),
  );
  const env = {
    ...process.env,
    PATH: [dir, process.env.PATH ?? ""].join(delimiter),
    GCLOUD_SOCKET: socket,
  };
  try {
    const typed: Typed[] = [];
    for (const line of lines) typed.push({ line, ...(await shell(`${exports}; ${line}`, env)) });
    return typed;
  } finally {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function shell(line: string, env: NodeJS.ProcessEnv): Promise<Omit<Typed, "line">> {
  return new Promise((resolve) => {
    execFile("bash", ["-c", line], { cwd: ROOT, env, timeout: 120_000 }, (error, out, err) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, output: out + err });
    });
  });
}
