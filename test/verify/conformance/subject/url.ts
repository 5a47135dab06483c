import { spawn } from "node:child_process";
import { BadInput } from "../../../../cli/command-line.ts";
import { AnthropicControl } from "../../../lab/anthropic/client.ts";
import { PATIENCE_MS } from "../checks/check.ts";
import { RAW_CLIENT_SOURCE, RawClient } from "../client/raw-client.ts";
import { preflight } from "./preflight.ts";
import type { Subject } from "./subject.ts";

/** A gateway that is not ours. */
export interface UrlArgs {
  readonly url: string;
  /** The control socket of the fake API, if the gateway uses that. */
  readonly upstream?: string | undefined;
  readonly long: boolean;
  /** The gateway's token. Default: the one of this process's environment. */
  readonly token?: string | undefined;
  /** Headers of every request, as in `ANTHROPIC_CUSTOM_HEADERS`. Default: those of this process's environment. */
  readonly headers?: readonly string[] | undefined;
}

/** Opens a gateway that is not ours, from this machine. Throws {@link BadInput}. */
export async function openUrl({ url, upstream, long, token, headers }: UrlArgs): Promise<Subject> {
  const control = upstream === undefined ? undefined : await controlOf(upstream);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", RAW_CLIENT_SOURCE], {
    stdio: "pipe",
    detached: true,
    env: {
      ...process.env,
      ANTHROPIC_BASE_URL: url,
      ...(token !== undefined && { ANTHROPIC_AUTH_TOKEN: token }),
      ...(headers !== undefined && { ANTHROPIC_CUSTOM_HEADERS: headers.join("\n") }),
    },
  });
  const client = await RawClient.over(child);
  try {
    await preflight(client);
  } catch (error) {
    client.close();
    throw error;
  }
  return {
    stack: url,
    path: "external",
    versions: {},
    baseUrl: url,
    ...(control && { free: true as const }),
    context: { client, ...(control && { upstream: control }), patienceMs: PATIENCE_MS, long },
    close: () => {
      client.close();
    },
  };
}

async function controlOf(socket: string): Promise<AnthropicControl> {
  const control = new AnthropicControl(socket);
  try {
    await control.ready(1000);
  } catch (error) {
    throw new BadInput(
      `--upstream ${socket}: no fake API answers there (${(error as Error).message}). Start it: npx tsx test/lab/anthropic/main.ts --listen-http 127.0.0.1:8099 --control ${socket} --credentials FILE`,
    );
  }
  return control;
}
