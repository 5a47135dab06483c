import type { types } from "@pulumi/kubernetes";
import { restrictedContainer } from "../../kubernetes/restricted.ts";
import { mintTokensMount } from "./mint.ts";
import { stateFile, TOKENS_DIR } from "./place.ts";
import { allNames, HOLD_SECONDS, minted, type MintedNames, readyTests, WAIVED } from "./ready.ts";

/** When a pod without a token says why. Most refusals come at once, and an outage may end by itself. */
const PATIENCE_SECONDS = 30;

/** Left by the first start that said why. */
const TOLD = `${TOKENS_DIR}/state/told`;

/**
 * A container that says why there is no token. If `pulumi up` waits in vain, it shows only what a container said at its end, and
 * nothing of sidecars or events. So this one ends once, with the helper's own message. The kubelet starts it again, and then it
 * waits like the pod. When a pod has waited long enough for its optional credentials, it says so in a file. It runs nothing else.
 */
export function firstTokenContainer(args: {
  readonly image: string;
  readonly names: MintedNames;
}): types.input.core.v1.Container {
  return {
    name: "credential",
    image: args.image,
    command: ["sh", "-c", firstTokenScript(args.names)],
    // Pulumi shows what a container said only if that is not Ready.
    readinessProbe: {
      exec: { command: ["sh", "-c", readyTests(args.names).join(" && ")] },
      periodSeconds: 2,
    },
    // The end of its output is what it said.
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: restrictedContainer,
    resources: { requests: { cpu: "1m", memory: "8Mi" }, limits: { memory: "16Mi" } },
    volumeMounts: [{ name: mintTokensMount.name, mountPath: mintTokensMount.mountPath }],
  };
}

/** What it runs. */
export function firstTokenScript(
  names: MintedNames,
  { patienceSeconds, holdSeconds } = {
    patienceSeconds: PATIENCE_SECONDS,
    holdSeconds: HOLD_SECONDS,
  },
): string {
  const all = `{ ${allNames(names).map(minted).join(" && ")}; }`;
  const told = `test -e ${TOLD}`;
  const say = allNames(names).map((name) => `${minted(name)} || cat ${stateFile(name, "problem")}`);
  const until = (condition: string, seconds: number) =>
    `left=${seconds}; until ${condition} || [ $left -eq 0 ]; do left=$((left - 1)); sleep 1 & wait $!; done`;
  return [
    "trap 'exit 0' TERM",
    until(`${all} || ${told}`, patienceSeconds),
    `${all} || ${told} || { : > ${TOLD}; ${say.join("; ")}; exit 1; }`,
    until(all, holdSeconds - patienceSeconds),
    `${all} || : > ${WAIVED}`,
    "while :; do sleep 3600 & wait $!; done",
  ].join("; ");
}
