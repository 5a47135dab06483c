import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  liteLlmCommand,
  liteLlmEnvironment,
  renderLiteLlmFiles,
  renderTokensFile,
} from "../../../../../components/gateway/litellm/config.ts";

describe("LiteLLM's files", () => {
  const files = renderLiteLlmFiles({ upstreamTimeoutSeconds: 900 });

  test("are the config, the route allowlist and the token check", () => {
    expect(Object.keys(files)).toEqual(["config.yaml", "gateway_app.py", "gateway_auth.py"]);
  });

  test("configure only the passthrough: no model, no retry, no secret in the text", () => {
    expect(parse(files["config.yaml"] ?? "")).toEqual({
      model_list: [],
      litellm_settings: { num_retries: 0, telemetry: false, turn_off_message_logging: true },
      general_settings: {
        master_key: "os.environ/LITELLM_MASTER_KEY",
        custom_auth: "gateway_auth.user_api_key_auth",
        pass_through_request_timeout: 900,
      },
    });
  });
});

test("tokens are listed per caller, the current one first", () => {
  expect(renderTokensFile({ "dev-e": ["new", "old"], "dev-f": ["one"] })).toBe(
    '{"dev-e":["new","old"],"dev-f":["one"]}',
  );
});

test("open requests get the whole drain time when LiteLLM stops", () => {
  expect(liteLlmCommand({ port: 4000, drainSeconds: 60 })).toContain(
    "--timeout-graceful-shutdown=60",
  );
  const environment = liteLlmEnvironment({ drainSeconds: 60, upstreamBaseUrl: "http://e:1" });
  expect(environment).toMatchObject({
    GRACEFUL_SHUTDOWN_TIMEOUT: "60",
    ANTHROPIC_API_BASE: "http://e:1",
  });
});

test("LiteLLM sends as many requests upstream at a time as Envoy accepts from agents", () => {
  const environment = liteLlmEnvironment({ drainSeconds: 60, upstreamBaseUrl: "http://e:1" });
  expect(environment).toMatchObject({
    AIOHTTP_CONNECTOR_LIMIT: "4096",
    AIOHTTP_CONNECTOR_LIMIT_PER_HOST: "4096",
  });
});

test("LiteLLM opens exactly the routes that Envoy opens", () => {
  const routes = (extra: readonly ("hello" | "models")[]) =>
    liteLlmEnvironment({ drainSeconds: 60, upstreamBaseUrl: "http://e:1", routes: extra })
      .GATEWAY_ROUTES;
  const messages = "POST /anthropic/v1/messages,POST /anthropic/v1/messages/count_tokens";
  expect(routes([])).toBe(messages);
  expect(routes(["hello", "models"])).toBe(`${messages},GET /anthropic/v1/models`);
});
