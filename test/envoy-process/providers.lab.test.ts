import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { upstreamOf } from "../../components/gateway/paths/variant.ts";
import type { ExchangeSummary } from "../lab/anthropic/records.ts";
import { type FakeAnthropic, startFakeAnthropic } from "../lab/anthropic/server.ts";
import { answerBedrock } from "../lab/providers/bedrock.ts";
import { answerVertex } from "../lab/providers/vertex.ts";
import { type ClaudeTurn, claudeTurn } from "./claude-process.ts";
import { send } from "./client.ts";
import { type GoogleToken, googleToken } from "./mint-google.ts";
import { Envoy, eventually } from "./envoy.ts";
import { bedrock, certificateFor, rendered, secrets, TOKEN_A, vertex } from "./gateways.ts";

const VERTEX_MODELS = "/v1/projects/lab-project/locations/us-east5/publishers/anthropic/models";

const cases = [
  {
    name: "vertex",
    args: vertex,
    answer: answerVertex,
    credential: googleToken,
    // Google's certificate is for every host of its APIs.
    certificate: "*.googleapis.com",
    path: `/vertex${VERTEX_MODELS}/claude-sonnet-4-5@20250929:rawPredict`,
    body: { anthropic_version: "vertex-2023-10-16" },
    // It asks for a new token after the first, and once more after the second.
    refusals: 3,
    metering: "metered",
    stream: {
      path: `/vertex${VERTEX_MODELS}/claude-sonnet-4-5@20250929:streamRawPredict`,
      more: { stream: true },
    },
    count: (content: Record<string, unknown>) => ({
      path: `/vertex${VERTEX_MODELS}/count-tokens:rawPredict`,
      body: { ...content, max_tokens: undefined, model: "claude-sonnet-4-5@20250929" },
    }),
    identity: [["x-goog-user-project", "other-project"]],
    refusal: [
      {
        type: "error",
        error: {
          type: "invalid_request_error",
          message: "no_such: Extra inputs are not permitted",
        },
      },
      undefined,
    ],
    refused: [
      "/vertex/v1/projects/other-project/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5:rawPredict",
      "/vertex/v1/projects/lab-project/locations/europe-west1/publishers/anthropic/models/claude-sonnet-4-5:rawPredict",
      "/vertex/v1/projects/lab-project/locations/us-east5/publishers/google/models/gemini:rawPredict",
      `/vertex${VERTEX_MODELS}/claude-sonnet-4-5:predict`,
      `/vertex${VERTEX_MODELS}/claude-sonnet-4-5:rawPredict?access_token=ya29.of-somebody-else`,
      `/vertex${VERTEX_MODELS}/claude-x/../gemini:rawPredict`,
      "/vertex/v1/projects/lab-project/locations/us-east5/batchPredictionJobs",
      "/anthropic/v1/messages",
    ],
  },
  {
    name: "bedrock",
    args: bedrock,
    answer: answerBedrock,
    credential: undefined,
    certificate: "bedrock-runtime.us-east-1.amazonaws.com",
    path: "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
    body: { anthropic_version: "bedrock-2023-05-31" },
    refusals: 1,
    metering: "unmetered",
    stream: {
      path: "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
      more: {},
    },
    count: (content: Record<string, unknown>) => ({
      path: "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens",
      body: {
        input: {
          invokeModel: { body: Buffer.from(JSON.stringify(content)).toString("base64") },
        },
      },
    }),
    identity: [["x-amz-security-token", "of-somebody-else"]],
    refusal: [
      { message: "no_such: Extra inputs are not permitted" },
      "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
    ],
    refused: [
      "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
      "/bedrock/model/x/../../guardrail/1/invoke",
      "/bedrock/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke?X-Amz-Signature=0",
      "/bedrock/async-invoke",
      "/bedrock/inference-profiles",
      "/anthropic/v1/messages",
    ],
  },
] as const;

describe.each(cases)("provider $name", (provider) => {
  const { args } = provider;
  let credential: string;
  let minted: GoogleToken | undefined;
  let api: FakeAnthropic;
  let envoy: Envoy;
  let home: string;

  beforeAll(async () => {
    const { certFile, keyFile } = await certificateFor(provider.certificate);
    const identity = {
      cert: await readFile(certFile, "utf8"),
      key: await readFile(keyFile, "utf8"),
    };
    minted = await provider.credential?.();
    credential = minted?.token ?? "bedrock-api-key-real";
    api = await startFakeAnthropic({
      tls: [{ host: "127.0.0.1", port: 0 }],
      identities: [identity],
      credentials: [credential],
      answer: provider.answer,
    });
    envoy = await Envoy.start({
      ...rendered(args, { ...secrets, credential }),
      ...(minted && { tokens: minted.folder }),
      hosts: { [`${upstreamOf(args.variant).host}:443`]: api.tls[0]?.port ?? 1 },
    });
    home = await mkdtemp(join(tmpdir(), "claude-"));
  });

  afterAll(async () => {
    await envoy.stop();
    await api.close();
    await minted?.stop();
    await rm(home, { recursive: true, force: true });
  });

  /** A turn of the real Claude Code, and the requests with a text that it made. */
  async function turn(
    text: string,
    more: Partial<Pick<ClaudeTurn, "prompt" | "resume" | "token" | "env" | "args">> = {},
  ) {
    const after = Math.max(0, ...api.state.records.list(0).map(({ id }) => id));
    const result = await claudeTurn({
      ...{ variant: args.variant, port: envoy.ports.agents, token: TOKEN_A, home },
      prompt: `say: ${text}`,
      ...more,
    });
    const all = api.state.records.list(after);
    const asked = all.filter(({ id }) => api.state.records.get(id)?.body.includes(text));
    return { result, all, asked };
  }

  const statuses = (records: readonly ExchangeSummary[]) =>
    records.map(({ response }) => response?.status);

  test("the real Claude Code completes two turns of a session, with the real credential and nothing of the agent's", async () => {
    const first = await turn("blue-heron");
    expect(first.result).toMatchObject({ is_error: false, result: "blue-heron" });
    const second = await turn("blue-heron", {
      prompt: "And before?",
      resume: first.result.session_id,
    });
    expect(second.result).toMatchObject({
      is_error: false,
      session_id: first.result.session_id,
    });
    expect(second.asked.length).toBeGreaterThan(0);

    const all = [...first.all, ...second.all];
    expect(new Set(statuses(all))).toEqual(new Set([200]));
    for (const { headers, url } of all) {
      expect(
        headers.flatMap(([name, value]) => (/^authorization$/i.test(name) ? [value] : [])),
      ).toEqual([`Bearer ${credential}`]);
      expect(headers.map(([name]) => name.toLowerCase())).not.toContain("x-api-key");
      expect(url.startsWith(`${upstreamOf(args.variant).prefix}/`)).toBe(false);
      expect(JSON.stringify([headers, url])).not.toContain(TOKEN_A);
    }
  });

  test("a tool call's output reaches the model", async () => {
    const { result, asked } = await turn("grey-", {
      prompt: "run: printf %s%s grey- heron",
      args: ["--allowedTools", "Bash"],
    });
    expect(result.result).toContain("grey-heron");
    expect(statuses(asked)).toEqual([200, 200]);
  });

  test("it waits out a 429", async () => {
    api.state.scripts.push([
      {
        ...{ skip: 0, times: 1, delayMs: 0, anyCredential: false },
        match: { bodyContains: "red-heron" },
        action: { kind: "error", bare: false, status: 429, retryAfterSeconds: 1 },
      },
    ]);
    const { result, asked } = await turn("red-heron");
    expect(result).toMatchObject({ is_error: false, result: "red-heron" });
    expect(statuses(asked)).toEqual([429, 200]);
  });

  test("it stops on a 401 of the provider", async () => {
    api.state.scripts.push([
      {
        ...{ skip: 0, times: null, delayMs: 0, anyCredential: false },
        match: { bodyContains: "white-heron" },
        action: { kind: "error", bare: false, status: 401 },
      },
    ]);
    const { result, asked } = await turn("white-heron", {
      // On Bedrock it repeats every 401 without x-should-retry, by default ten times in some three minutes.
      env: { CLAUDE_CODE_MAX_RETRIES: "2" },
    });
    expect(result.is_error).toBe(true);
    expect(statuses(asked)).toEqual([401, 401, 401]);
  });

  test("it stops on a 401 of the gateway, which does not know its token", async () => {
    const { result, all } = await turn("black-heron", { token: "an-unknown-token-0123456789" });
    expect([result.is_error, all]).toEqual([true, []]);
    expect(result.result).toContain("gateway: missing or unknown agent token");
    const refused = () =>
      envoy.accessLog.filter(({ agent, status }) => agent === null && status === 401);
    await eventually(
      () => Promise.resolve(refused().length),
      (count) => count >= provider.refusals,
    );
    expect(refused()).toHaveLength(provider.refusals);
  });

  test("it refuses what is not the provider's route for models, and a caller without an agent's token", async () => {
    const after = api.state.records.list(0).length;
    const bearer = [["authorization", `Bearer ${TOKEN_A}`] as const];
    const body = JSON.stringify(provider.body);
    for (const path of provider.refused) {
      const { status } = await send(envoy.ports.agents, { path, headers: bearer, body });
      expect([path, status]).toEqual([path, 404]);
    }
    const get = await send(envoy.ports.agents, {
      method: "GET",
      path: provider.path,
      headers: bearer,
    });
    expect(get.status).toBe(405);
    for (const headers of [[], [["authorization", `Bearer ${credential}`] as const]]) {
      const { status, body: text } = await send(envoy.ports.agents, {
        path: provider.path,
        headers,
        body,
      });
      expect([status, JSON.parse(text.toString())]).toEqual([
        401,
        {
          type: "error",
          error: {
            type: "authentication_error",
            message: "gateway: missing or unknown agent token",
          },
        },
      ]);
    }
    expect(api.state.records.list(0)).toHaveLength(after);
  });

  test("bodies and the provider's own errors pass unchanged, and headers of another identity do not", async () => {
    const body = `{"max_tokens":9, "messages":[{"role":"user","content":"say: heron"}],"anthropic_version":"${provider.body.anthropic_version}","no_such":1}`;
    const {
      status,
      body: error,
      headers,
    } = await send(envoy.ports.agents, {
      path: provider.path,
      headers: [["x-api-key", TOKEN_A], ...provider.identity],
      body,
    });
    expect([status, JSON.parse(error.toString()), headers["x-amzn-errortype"]]).toEqual([
      400,
      ...provider.refusal,
    ]);
    const received = api.state.records.list(0).at(-1);
    expect(api.state.records.get(received?.id ?? 0)?.body.toString()).toBe(body);
    expect(received?.url).toBe(provider.path.replace(upstreamOf(args.variant).prefix, ""));
    const names = received?.headers.map(([name]) => name.toLowerCase());
    for (const [name] of provider.identity) expect(names).not.toContain(name);
  });

  test("the log has the tokens of what the meter can read, and never says that the rest is free", async () => {
    const session = `meter-${provider.name}`;
    const headers = [["x-api-key", TOKEN_A] as const];
    const content = {
      ...provider.body,
      max_tokens: 64,
      messages: [{ role: "user", content: "say: heron" }],
    };
    const requests = [
      { what: "json", path: provider.path, body: content },
      { what: "stream", ...provider.stream, body: { ...content, ...provider.stream.more } },
      { what: "count", ...provider.count(content) },
    ];
    for (const { what, path, body } of requests) {
      const { status, body: text } = await send(envoy.ports.agents, {
        path,
        headers: [...headers, ["x-claude-code-session-id", `${session}-${what}`]],
        body: JSON.stringify(body),
      });
      expect([what, status, text.toString()]).toEqual([what, 200, expect.anything()]);
    }
    const logged = async (what: string) => {
      const line = await envoy.logged(({ session_id }) => session_id === `${session}-${what}`);
      const usage = api.state.records
        .list(0)
        .find(({ headers }) => headers.some(([, value]) => value === `${session}-${what}`))?.usage;
      return { line, usage };
    };
    const json = await logged("json");
    expect(json.line).toMatchObject({
      ...{ metering: "metered", estimated: false, agent: "dev-e" },
      model: "claude-sonnet-4-5-20250929",
      input_tokens: json.usage?.input_tokens,
      output_tokens: json.usage?.output_tokens,
    });
    // 3 and 15 US dollars a million.
    const { input_tokens: input = 0, output_tokens: output = 0 } = json.usage ?? {};
    expect(json.line.cost_usd).toBeCloseTo((3 * input + 15 * output) / 1e6, 9);
    const stream = await logged("stream");
    expect(stream.line).toMatchObject(
      provider.metering === "metered"
        ? {
            ...{ metering: "metered", estimated: false },
            model: "claude-sonnet-4-5-20250929",
            output_tokens: stream.usage?.output_tokens,
          }
        : {
            ...{ metering: "unmetered", cost_usd: null, output_tokens: null },
            model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
          },
    );
    expect((await logged("count")).line).toMatchObject({ metering: "free", cost_usd: null });
  });
});
