import { runTurn, type Turn } from "../../test/lab/claude.ts";
import type { Progress, Status } from "../../test/lab/progress.ts";
import { prepareStack } from "../../test/lab/stacks.ts";
import type { Target } from "../../test/lab/target.ts";
import { reportingDrains } from "./drains.ts";
import type { Options } from "./options.ts";

/** The results of `npm run local`, for its summary. */
export interface Session {
  readonly target: string;
  readonly baseUrl: string;
  readonly gatewayPath: string;
  readonly namespace: string;
  /** The two turns, in order. */
  readonly turns: readonly Turn[];
  /** How long each step took, in milliseconds. */
  readonly steps: readonly { readonly title: string; readonly milliseconds: number }[];
}

const STACK = "local";

/** Deploys stack `local` and runs two turns of one Claude Code session in an agent's pod. */
export async function bringUp(
  target: Target,
  options: Pick<Options, "gateway" | "mode">,
  progress: Progress,
  signal: AbortSignal,
): Promise<Session> {
  const steps: { title: string; milliseconds: number }[] = [];
  const step = async <T>(title: string, work: (status: Status) => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const started = Date.now();
    const result = await progress.step(title, work);
    steps.push({ title, milliseconds: Date.now() - started });
    return result;
  };

  const pulumi = await target.pulumi(progress);
  const stack = await step("Configuring stack local", async () => {
    const stack = await prepareStack(pulumi, target, STACK);
    if (options.gateway !== undefined) {
      await stack.removeConfig("gateway.mode");
      await stack.setConfig("gateway.path", options.gateway);
      const holder = options.mode === "sni" ? "agent" : "gateway";
      await stack.setConfig("credential.holder", holder);
    }
    if (options.mode !== undefined) await stack.setConfig("gateway.mode", options.mode);
    return stack;
  });
  await step("pulumi up -s local", (status) =>
    reportingDrains(target, STACK, status, () => stack.up({ signal })),
  );

  const { baseUrl, gatewayPath, agents } = (await stack.outputs()) as {
    baseUrl: string;
    gatewayPath: string;
    agents: Record<string, { namespace: string }>;
  };
  const namespace = Object.values(agents)[0]?.namespace;
  if (namespace === undefined) throw new Error("stack local has no agent");

  const first = await step("Claude Code, first turn", () =>
    runTurn(target, { namespace, prompt: "Say hello to the gateway.", signal }),
  );
  const second = await step("Claude Code, second turn (--resume)", () =>
    runTurn(target, {
      namespace,
      prompt: "And say it once more.",
      resume: first.session_id,
      signal,
    }),
  );
  return {
    target: target.title,
    baseUrl,
    gatewayPath,
    namespace,
    turns: [first, second],
    steps,
  };
}

/** Destroys stack `local` on the user's own cluster. */
export async function tearDown(target: Target, progress: Progress): Promise<void> {
  const pulumi = await target.pulumi(progress);
  if (!(await pulumi.stacks()).includes(STACK)) {
    progress.note(`Stack ${STACK} does not exist; there is nothing to take down.`);
    return;
  }
  const stack = pulumi.stack(STACK);
  await progress.step(`pulumi destroy -s ${STACK}`, () => stack.destroy());
  await stack.remove();
}
