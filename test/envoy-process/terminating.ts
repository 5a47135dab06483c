import { Envoy } from "./envoy.ts";
import { certificateFor, rendered, terminate } from "./gateways.ts";
import { Upstream } from "./upstream.ts";

/** Starts Envoy on path `envoy`, mode `terminate`, with an upstream. */
export async function startTerminating(): Promise<{
  readonly upstream: Upstream;
  readonly envoy: Envoy;
}> {
  const upstream = await Upstream.start(await certificateFor("api.anthropic.com"));
  const hosts = { "api.anthropic.com:443": upstream.port };
  return { upstream, envoy: await Envoy.start({ ...rendered(terminate), hosts }) };
}
