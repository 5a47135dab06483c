import { lua } from "../../components/gateway/envoy/headers.ts";
import { httpConnectionManager, router } from "../../components/gateway/envoy/http-manager.ts";
import { ports } from "../../components/kubernetes/ports.ts";
import { socketAddress } from "../../components/gateway/envoy/proto.ts";
import { fileNames } from "../../components/gateway/envoy/volumes.ts";
import { send } from "./client.ts";
import { Envoy } from "./envoy.ts";

/** A Lua function that runs in Envoy's own LuaJIT. */
export class EnvoyLua {
  readonly #envoy: Envoy;

  private constructor(envoy: Envoy) {
    this.#envoy = envoy;
  }

  /** `source` must define a global function `answer(text)` that returns a text. */
  static async start(source: string): Promise<EnvoyLua> {
    const filter = lua(
      "answer",
      `${source}
function envoy_on_request(handle)
  local body = handle:body(true)
  handle:respond({[":status"] = "200"}, answer(body:getBytes(0, body:length())))
end`,
    );
    const manager = httpConnectionManager({
      stat_prefix: "lua",
      route_config: { virtual_hosts: [{ name: "lua", domains: ["*"], routes: [] }] },
      http_filters: [filter, router()],
    });
    const bootstrap = {
      admin: { address: socketAddress("127.0.0.1", ports.admin) },
      static_resources: {
        listeners: [
          {
            name: "lua",
            address: socketAddress("127.0.0.1", ports.agents),
            filter_chains: [{ filters: [manager] }],
          },
        ],
      },
    };
    return new EnvoyLua(
      await Envoy.start({ config: { [fileNames.bootstrap]: JSON.stringify(bootstrap) } }),
    );
  }

  /** The result of `answer` for a text. */
  async answer(text: string): Promise<string> {
    const { status, body } = await send(this.#envoy.ports.agents, { body: text });
    if (status !== 200)
      throw new Error(`Envoy answered ${status}: ${this.#envoy.stderr.slice(-500)}`);
    return body.toString();
  }

  async stop(): Promise<void> {
    await this.#envoy.stop();
  }
}
