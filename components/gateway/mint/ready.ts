import { stateFile, TOKENS_DIR } from "./place.ts";

/** Names of the credentials that a pod mints. */
export interface MintedNames {
  /** Those without which the gateway has nothing to do: the pod is not Ready before it had each of them. */
  readonly required: readonly string[];
  /**
   * Those of inspected hosts. A pod waits for them too, so that a change that does not work replaces no pod that does. But it
   * waits no longer than {@link HOLD_SECONDS}: agents need the API also while GitHub is away, or refuses a list in which one
   * repository is gone.
   */
  readonly optional: readonly string[];
}

/** How long a pod waits for its optional credentials: longer than the five minutes after which `pulumi up` gives up. */
export const HOLD_SECONDS = 360;

/** Left when that time is over. */
export const WAIVED = `${TOKENS_DIR}/state/waived`;

export function allNames({ required, optional }: MintedNames): readonly string[] {
  return [...required, ...optional];
}

/** Shell tests, one for each credential: the pod had it, or no longer waits for it. `otherwise` runs if not. */
export function readyTests(
  { required, optional }: MintedNames,
  otherwise: (name: string) => string = () => "false",
): readonly string[] {
  const waits = (name: string, ...tests: readonly string[]) =>
    `{ ${[...tests, otherwise(name)].join(" || ")}; }`;
  return [
    ...required.map((name) => waits(name, minted(name))),
    ...optional.map((name) => waits(name, minted(name), `test -e ${WAIVED}`)),
  ];
}

/** Shell test: the pod had a token of this credential. */
export function minted(name: string): string {
  return `test -e ${stateFile(name, "minted")}`;
}
