import * as pulumi from "@pulumi/pulumi";
import program from "../../../stacks/index.ts";
import { MISSING_IMAGE } from "./missing-image.ts";

const WAIT = "30s";

/** The stack program, but it waits only 30 seconds instead of minutes for a pod with the missing image. */
export default async function impatient(): Promise<object> {
  pulumi.runtime.registerResourceTransform(({ type, props, opts }) => {
    if (type !== "kubernetes:apps/v1:Deployment") return undefined;
    if (!JSON.stringify(props).includes(MISSING_IMAGE)) return undefined;
    return { props, opts: { ...opts, customTimeouts: { create: WAIT, update: WAIT } } };
  });
  return await program();
}
