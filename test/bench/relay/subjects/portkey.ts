import { join } from "node:path";
import { npmPart } from "../../../lab/parts/npm.ts";
import type { Progress } from "../../../lab/progress.ts";
import { Child } from "../../../envoy-process/child.ts";
import { freePort } from "../../../envoy-process/free-port.ts";
import { REAL_KEY, type Setting, type Subject } from "./subject.ts";

/** Portkey's open-source gateway with its defaults: each request names the provider and has its key. */
export async function portkey(setting: Setting, progress: Progress): Promise<Subject> {
  const port = await freePort();
  const script = "node_modules/@portkey-ai/gateway/build/start-server.js";
  const command = [process.execPath, join(await npmPart("portkey", progress), script)];
  const child = new Child([...setting.pin, ...command, `--port=${port}`, "--headless"], {
    PATH: process.env.PATH,
    NODE_ENV: "production",
    NODE_EXTRA_CA_CERTS: setting.caFile,
  });
  await child.ready("Portkey's gateway", async () => {
    const { ok } = await fetch(`http://127.0.0.1:${port}/`);
    return ok;
  });
  return {
    name: "portkey",
    to: [
      ...[`-connect=127.0.0.1:${port}`, "-host=gateway", "-path=/v1/messages"],
      ...["-header=x-portkey-provider: anthropic", `-header=Authorization: Bearer ${REAL_KEY}`],
      // By default it accepts as custom hosts only those of the machine itself.
      `-header=x-portkey-custom-host: https://localhost:${setting.upstreamPort}/v1`,
    ],
    pids: [child.pid],
    stop: () => child.stop(),
  };
}
