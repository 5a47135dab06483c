import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { UPSTREAM_HOST } from "../../../components/gateway/api/upstream.ts";
import { envoyTerminate } from "../../../components/gateway/paths/envoy-terminate.ts";
import { claudeTurn } from "../../envoy-process/claude-process.ts";
import { Envoy } from "../../envoy-process/envoy.ts";
import { freePort } from "../../envoy-process/free-port.ts";
import { rendered, secrets, terminate, TOKEN_A } from "../../envoy-process/gateways.ts";
import { startLiteLlm } from "../../envoy-process/litellm-process.ts";
import type { LiteLlmRelease } from "../../lab/images/litellm.ts";
import { claudeCodeProgram } from "../../lab/parts/claude-code.ts";
import { npmPart } from "../../lab/parts/npm.ts";
import type { Progress } from "../../lab/progress.ts";
import { themeOf } from "../conformance/checks/check.ts";
import type { OtherGateway, Running, Setting } from "./gateways.ts";

/** A release of a part of ours, measured as a process with our configuration. */
export interface Release extends OtherGateway {
  /** The deployed release of the same part, with which it is compared; undefined for that one itself. */
  readonly deployed: string | undefined;
}

/** Path `envoy` with our rendered configuration. */
async function envoy({ key, tlsPort }: Setting, release?: string): Promise<Running> {
  const running = await Envoy.start({
    ...rendered({ ...terminate, routes: ["models"] }, { ...secrets, credential: key }),
    ...{ hosts: { [`${UPSTREAM_HOST}:443`]: tlsPort }, readLog: false },
    ...(release !== undefined && { release }),
  });
  return {
    ...{ url: `http://127.0.0.1:${running.ports.agents}/anthropic`, token: TOKEN_A },
    stop: () => running.stop(),
  };
}

function envoyRelease(version: string, deployed?: string): Release {
  const release = deployed === undefined ? undefined : `envoy-${version}`;
  return {
    ...{ name: `envoy-${version}`, title: "Envoy", version, deployed },
    start: (setting) => envoy(setting, release),
  };
}

/** Path `litellm` with our files. */
function litellmRelease(version: string, release: LiteLlmRelease, deployed?: string): Release {
  return {
    ...{ name: `litellm-${version}`, title: "LiteLLM", version, deployed },
    async start({ key, tlsPort, progress }) {
      const port = await freePort();
      const upstreamBaseUrl = `https://${UPSTREAM_HOST}:${tlsPort}`;
      const args = { port, token: TOKEN_A, apiKey: key, upstreamBaseUrl, release };
      const litellm = await startLiteLlm(args, progress);
      return {
        url: `http://127.0.0.1:${port}/anthropic`,
        token: TOKEN_A,
        stop: () => litellm.stop(),
      };
    },
  };
}

/** Claude Code as a process, with path `envoy`. */
function claudeRelease(version: string, deployed?: string): Release {
  return {
    ...{ name: `claude-code-${version}`, title: "Claude Code", version, deployed },
    checks: ({ id }) => themeOf(id) === "claude-code",
    async start(setting) {
      const { progress, dir } = setting;
      const program =
        deployed === undefined ? await claudeCodeProgram() : await olderClaude(version, progress);
      const running = await envoy(setting);
      const port = Number(new URL(running.url).port);
      return {
        ...running,
        claude: (request) =>
          claudeTurn({
            ...{ variant: envoyTerminate, port, token: TOKEN_A, home: dir, program },
            ...request,
          }),
      };
    },
  };
}

async function olderClaude(version: string, progress: Progress): Promise<string> {
  const part = await npmPart("older-claude-code", progress);
  const program = join(part, `node_modules/claude-code-${version}/claude`);
  await chmod(program, 0o755);
  return program;
}

const [CLAUDE_CODE, LITELLM, ENVOY] = ["2.1.331", "1.110.2", "1.40.0"] as const;

/** In the order of the table: of each part the deployed release first. */
export const releases: readonly Release[] = [
  claudeRelease(CLAUDE_CODE),
  ...["2.1.306", "2.1.267", "2.1.210"].map((version) => claudeRelease(version, CLAUDE_CODE)),
  litellmRelease(LITELLM, "litellm"),
  litellmRelease("1.91.0", "litellm-1.91.0", LITELLM),
  envoyRelease(ENVOY),
  ...["1.39.3", "1.38.3", "1.36.4"].map((version) => envoyRelease(version, ENVOY)),
];
