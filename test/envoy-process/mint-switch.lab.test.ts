import { afterEach, beforeEach, expect, test } from "vitest";
import type { EnvoyConfigArgs } from "../../components/gateway/envoy/args.ts";
import { send } from "./client.ts";
import { Envoy, eventually } from "./envoy.ts";
import { certificateFor, REAL_KEY, rendered, secrets, terminate, TOKEN_A } from "./gateways.ts";
import { Federated } from "./mint-federated.ts";
import { Upstream } from "./upstream.ts";

/**
 * `pulumi up` changes the files of the running pod too, when it replaces it by one with another kind of credential. That pod
 * has no folder of the helper, or the new file later than the new listener. It must serve until it has drained.
 */
let pod: Federated;
let upstream: Upstream;
let envoy: Envoy;

const federated: EnvoyConfigArgs = { ...terminate, credentialKind: "federated" };
const others = { ...secrets, credential: undefined };

beforeEach(async () => {
  pod = await Federated.prepare({ lifetimeSeconds: 600 });
  upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
});

afterEach(async () => {
  await envoy.stop();
  await upstream.stop();
  await pod.stop();
});

async function start(args: EnvoyConfigArgs, tokens: string): Promise<void> {
  envoy = await Envoy.start({
    ...rendered(args, args.credentialKind === "federated" ? others : secrets),
    tokens,
    hosts: { "api.anthropic.com:443": upstream.port },
  });
}

/** The credential that the upstream got. */
async function shown(): Promise<string | undefined> {
  const { status } = await send(envoy.ports.agents, { headers: [["x-api-key", TOKEN_A]] });
  expect(status).toBe(200);
  const headers = new Map(upstream.takeOne().headers);
  return headers.get("x-api-key") ?? headers.get("authorization");
}

test("a pod with a stored key keeps it when its files become those of a minted credential", async () => {
  await start(terminate, "/nonexistent/tokens");
  expect(await shown()).toBe(REAL_KEY);
  const files = rendered(federated, others);
  await envoy.updateSecrets(files.secrets ?? {});
  await envoy.updateConfig(files.config);
  await eventually(
    () => envoy.stat("listener_manager.lds.update_rejected"),
    (rejected) => rejected === 1,
  );
  for (let count = 0; count < 20; count += 1) expect(await shown()).toBe(REAL_KEY);
});

test.each(["the listener", "the secret"])(
  "a pod with a minted token serves when its files become those of a stored key, %s first",
  async (first) => {
    await pod.mint.start();
    await pod.assert();
    const bearer = `Bearer ${await pod.mint.nextToken()}`;
    await start(federated, pod.mint.tokens);
    expect(await shown()).toBe(bearer);
    const files = rendered(terminate, secrets);
    const updates = [
      () => envoy.updateConfig(files.config),
      () => envoy.updateSecrets(files.secrets ?? {}),
    ];
    if (first === "the secret") updates.reverse();
    for (const update of updates) {
      await update();
      for (let count = 0; count < 20; count += 1)
        expect([bearer, REAL_KEY]).toContain(await shown());
    }
  },
);
