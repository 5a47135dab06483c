import type { RunningConfiguration } from "./running-configuration.ts";
import { type Check, type CheckContext, kept, lost, type Outcome } from "./check.ts";

/** Claude Code's own watchdogs act after 300 s of silence. They must act before the gateway does. */
const WATCHDOG_SECONDS = 300;
/** Default of Claude Code's `API_TIMEOUT_MS`, in seconds. */
const REQUEST_SECONDS = 600;

/** Whether every idle limit is longer than Claude Code's own. */
export function judgeIdleLimits({ limits }: RunningConfiguration): Outcome {
  const idle = limits.filter(({ kind }) => kind === "idle");
  if (idle.length === 0) return lost("unknown", "no idle limit was found");
  const short = idle.filter(({ seconds }) => seconds !== 0 && seconds <= WATCHDOG_SECONDS);
  return short.length === 0
    ? kept(shown(idle))
    : lost("short", `at most ${WATCHDOG_SECONDS} s: ${shown(short)}`);
}

/** Whether a request may take as long as Claude Code allows. */
export function judgeTotalLimits({ limits }: RunningConfiguration): Outcome {
  if (limits.length === 0) return lost("unknown", "no limit was found");
  const total = limits.filter(({ kind }) => kind === "total");
  const short = total.filter(({ seconds }) => seconds !== 0 && seconds < REQUEST_SECONDS);
  if (short.length > 0) return lost("short", `less than ${REQUEST_SECONDS} s: ${shown(short)}`);
  const set = total.filter(({ seconds }) => seconds !== 0);
  return kept(set.length === 0 ? "nothing limits how long a request may take" : shown(set));
}

/** Whether the gateway never resends a request that the upstream may have received. */
export function judgeRetries({ limits, retries }: RunningConfiguration): Outcome {
  if (limits.length + retries.length === 0) return lost("unknown", "no configuration was found");
  const repeating = retries.filter(
    ({ on, attempts }) => attempts > 0 && !/^(connect-failure)?$/.test(on),
  );
  const text = (list: typeof retries) =>
    list.map(({ where, on, attempts }) => `${where}: ${attempts} on ${on}`).join("; ");
  return repeating.length === 0
    ? kept(text(retries.filter(({ attempts }) => attempts > 0)) || "no retries")
    : lost("repeats", text(repeating));
}

function shown(limits: RunningConfiguration["limits"]): string {
  return limits
    .map(
      ({ process, where, seconds }) =>
        `${process} ${where} ${seconds === 0 ? "none" : `${seconds} s`}`,
    )
    .join("; ");
}

function readFrom(judge: (configuration: RunningConfiguration) => Outcome) {
  return async ({ configuration }: CheckContext) => {
    if (configuration === undefined) throw new Error("this check needs the running configuration");
    return judge(await configuration());
  };
}

export const configuration: readonly Check[] = [
  {
    id: "configuration.idle-limits",
    title: "Every idle limit is above Claude Code's own 300 seconds",
    protects:
      "A proxy that cuts a silent stream earlier turns long thinking into a failed turn. Claude Code's own watchdog handles silence correctly.",
    needs: ["configuration"],
    run: readFrom(judgeIdleLimits),
  },
  {
    id: "configuration.total-limits",
    title: "No time limit on a request is below Claude Code's own 600 seconds",
    protects: "An answer that a time limit cuts off is lost but still has to be paid.",
    needs: ["configuration"],
    run: readFrom(judgeTotalLimits),
  },
  {
    id: "configuration.retries",
    title: "The gateway is configured not to resend a request that may have arrived",
    protects:
      "Claude Code retries by itself and respects retry-after. Retries in the gateway multiply the requests.",
    needs: ["configuration"],
    run: readFrom(judgeRetries),
  },
];
