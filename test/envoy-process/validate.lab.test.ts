import { expect, test } from "vitest";
import { fileNames } from "../../components/gateway/envoy/volumes.ts";
import { Envoy, NO_TOKEN } from "./envoy.ts";
import { everyPath, rendered } from "./gateways.ts";
import { staticBootstrap } from "./static.ts";

const paths = everyPath.map((args) => ({ name: JSON.stringify(args), args }));

test.each(paths)("--mode validate accepts $name without warnings", async ({ args }) => {
  const { config, secrets } = rendered(args);
  const withToken = secrets?.[fileNames.credential] ? secrets : { ...secrets, minted: NO_TOKEN };
  const said = await Envoy.validate({ config: staticBootstrap(config, withToken) });
  expect(said).toContain("OK");
  expect(said).not.toMatch(/"level":"(warning|error|critical)"/);
});

test.each(paths)("a running Envoy accepts every file of $name", async ({ args }) => {
  const { config, secrets } = rendered(args);
  const envoy = await Envoy.start({ config, ...(secrets === undefined ? {} : { secrets }) });
  try {
    expect(await envoy.stat("listener_manager.lds.update_rejected")).toBe(0);
    expect(await envoy.stat("cluster_manager.cds.update_rejected")).toBe(0);
    const { resources } = JSON.parse(config[fileNames.listeners] ?? "") as { resources: unknown[] };
    expect(await envoy.stat("listener_manager.total_listeners_active")).toBe(resources.length + 1);
    expect(envoy.stderr).not.toMatch(/"level":"(warning|error|critical)"/);
  } finally {
    await envoy.stop();
  }
});
