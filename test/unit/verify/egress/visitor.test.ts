import { expect, test } from "vitest";
import { BadInput } from "../../../../cli/command-line.ts";
import { inviteVisitor } from "../../../verify/egress/visitor.ts";
import type { Target } from "../../../lab/target.ts";

const args = { image: "runner:1", nodeAddress: "10.90.0.1" };
const failed = (stderr: string) => Object.assign(new Error("exit code 1"), { stderr });

/** A cluster that answers kubectl by verb. The calls are recorded. */
function cluster(answers: Readonly<Record<string, string | Error>>) {
  const asked: string[][] = [];
  const kubectl: Target["kubectl"] = (command) => {
    asked.push([...command]);
    const answer = answers[command[0] ?? ""] ?? "";
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { target: { kubectl } as Target, asked };
}

test.each([
  [
    "is refused",
    { create: failed('pods "visitor" is forbidden: violates PodSecurity "restricted:latest"\n') },
    'did not start: pods "visitor" is forbidden: violates PodSecurity "restricted:latest"',
  ],
  [
    "never gets ready",
    {
      wait: failed("timed out waiting for the condition on pods/visitor\n"),
      get: "Failed to pull image\nBack-off pulling image\nFailed to pull image\n",
    },
    "did not start: timed out waiting for the condition on pods/visitor\nFailed to pull image\nBack-off pulling image",
  ],
])(
  "a visitor that %s causes a BadInput with the reason, and leaves nothing behind",
  async (_, answers, why) => {
    const { target, asked } = cluster(answers);
    const failure: unknown = await inviteVisitor(target, args).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BadInput);
    expect((failure as BadInput).message).toBe(
      `nothing was tried, because the target pod for the attempts ${why}`,
    );
    expect(asked.at(-1)?.join(" ")).toMatch(
      /^delete namespace way-out-[0-9a-f]{8} --wait=false --ignore-not-found$/,
    );
  },
);
