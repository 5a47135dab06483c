import type { types } from "@pulumi/kubernetes";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { mintTokensMount } from "./mint.ts";
import { stateFile, TOKENS_DIR } from "./place.ts";

/** When a pod without a token says why. Most refusals come at once, and an outage may end by itself. */
const PATIENCE_SECONDS = 30;

/** Left by the first start that said why. */
const TOLD = `${TOKENS_DIR}/state/told`;

/**
 * A container that says why there is no token. If `pulumi up` waits in vain, it shows only what a container said at its end, and
 * nothing of sidecars or events. So this one ends once, with the helper's own message. The kubelet starts it again, and then it
 * waits like the pod. It runs nothing else.
 */
export function firstTokenContainer(args: {
  readonly image: string;
  /** Names of the credentials. */
  readonly names: readonly string[];
}): types.input.core.v1.Container {
  return {
    name: "credential",
    image: args.image,
    command: ["sh", "-c", firstTokenScript(args.names)],
    // Pulumi shows what a container said only if that is not Ready.
    readinessProbe: { exec: { command: ["sh", "-c", mintedTest(args.names)] }, periodSeconds: 2 },
    // The end of its output is what it said.
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "1m", memory: "8Mi" }, limits: { memory: "16Mi" } },
    volumeMounts: [{ name: mintTokensMount.name, mountPath: mintTokensMount.mountPath }],
  };
}

/** Whether there was a token of each credential. */
function mintedTest(names: readonly string[]): string {
  return names.map((name) => `test -e ${stateFile(name, "minted")}`).join(" && ");
}

/** What it runs. */
export function firstTokenScript(
  names: readonly string[],
  patienceSeconds = PATIENCE_SECONDS,
): string {
  const minted = `{ ${mintedTest(names)}; }`;
  const told = `test -e ${TOLD}`;
  const say = names.map((name) => `${mintedTest([name])} || cat ${stateFile(name, "problem")}`);
  return [
    "trap 'exit 0' TERM",
    `left=${patienceSeconds}`,
    `until ${minted} || ${told} || [ $left -eq 0 ]; do left=$((left - 1)); sleep 1 & wait $!; done`,
    `${minted} || ${told} || { : > ${TOLD}; ${say.join("; ")}; exit 1; }`,
    "while :; do sleep 3600 & wait $!; done",
  ].join("; ");
}
