import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { VariantName } from "../../../../components/gateway/paths/index.ts";
import type { Target } from "../../../lab/target.ts";
import { measureLiteLlm } from "../../../verify/egress/litellm-pod.ts";
import {
  type Held,
  SEARCH,
  type SearchInput,
  wantedFor,
} from "../../../verify/egress/litellm-search.ts";

const REAL = "sk-ant-api03-the-real-one-of-this-test";
const FOREIGN = "sk-ant-oat01-another-one-of-this-test";
const PLACEHOLDER = "sk-ant-placeholder-0123456789";
const MEMORY = { bytes: 700 << 20, found: [true, false], others: [], errors: [] };
const USUAL: Held & { log: string } = {
  environment: `ANTHROPIC_API_KEY=${PLACEHOLDER}`,
  files: '{"envoy":["token"]}',
  memory: MEMORY,
  log: '"GET /health/readiness HTTP/1.1" 200',
};

/** The rows of a stack whose pod of LiteLLM holds what is given. */
async function measured(
  holds: Partial<typeof USUAL>,
  { variant = "shim", stored = [REAL] }: { variant?: VariantName; stored?: string[] } = {},
) {
  const asked: string[] = [];
  const secret = (text: string) => ({ data: { key: Buffer.from(text).toString("base64") } });
  const kubectl: Target["kubectl"] = ([verb, what], options) => {
    asked.push(`${String(verb)} ${JSON.stringify(options?.input ?? "")}`);
    if (verb === "exec") return Promise.resolve(JSON.stringify({ ...USUAL, ...holds }));
    if (verb === "logs") return Promise.resolve(holds.log ?? USUAL.log);
    const items =
      what === "secrets"
        ? [...stored, PLACEHOLDER].map(secret)
        : [
            { metadata: { name: "gateway-shim-litellm-1" }, status: { phase: "Running" } },
            {
              metadata: { name: "ends", deletionTimestamp: "x" },
              status: { phase: "Running" },
            },
            { metadata: { name: "evicted" }, status: { phase: "Failed" } },
          ];
    return Promise.resolve(JSON.stringify({ items }));
  };
  const rows = await measureLiteLlm({ variant, gatewayNamespace: "llm" }, { kubectl } as Target);
  return {
    asked,
    rows: Object.fromEntries(rows.map(({ id, status, evidence }) => [id, { status, evidence }])),
  };
}

describe("the search for the real credential in LiteLLM's pod", () => {
  test("passes if only the placeholder is there, and sends the pod no key", async () => {
    const { rows, asked } = await measured({});
    expect(Object.values(rows).map(({ status }) => status)).toEqual([
      "pass",
      "pass",
      "pass",
      "pass",
    ]);
    expect(rows["litellm.memory"]?.evidence).toBe(
      "700 MiB: neither the real credential nor another key, but the control was found (LiteLLM's placeholder)",
    );
    expect(asked.filter((call) => call.startsWith("exec"))).toHaveLength(1);
    expect(asked.join()).not.toContain("sk-ant-");
  });

  test.each<[string, string, Partial<typeof USUAL>]>([
    ["environment", "the real credential", { environment: `${USUAL.environment} ${REAL}` }],
    [
      "environment",
      "the real credential",
      { environment: `${USUAL.environment} ${Buffer.from(`k ${REAL} k`).toString("base64")}` },
    ],
    ["files", "the real credential", { files: `${USUAL.files} ${REAL}` }],
    ["files", "a key sk-ant-oat01-ano…", { files: `${USUAL.files} ${FOREIGN}` }],
    ["memory", "the real credential", { memory: { ...MEMORY, found: [true, true] } }],
    ["memory", "a key sk-ant-oat01-ano…", { memory: { ...MEMORY, others: ["sk-ant-oat01-ano…"] } }],
    ["log", "the real credential", { log: `${USUAL.log} ${REAL}` }],
  ])("finds a key in %s: %s", async (place, found, holds) => {
    const { rows } = await measured(holds);
    const failed = Object.entries(rows).filter(([, { status }]) => status !== "pass");
    expect(failed).toEqual([[`litellm.${place}`, { status: "fail", evidence: `found ${found}` }]]);
  });

  test("knows a key by its form where no Secret has it", async () => {
    const { rows } = await measured({ log: `${USUAL.log} ${FOREIGN}` }, { stored: [] });
    expect(rows["litellm.log"]).toEqual({
      status: "fail",
      evidence: "found a key sk-ant-oat01-ano…",
    });
    expect(rows["litellm.files"]?.status).toBe("pass");
  });

  test("fails where it does not find the control", async () => {
    const nothing = { ...MEMORY, found: [false, false] };
    const { rows } = await measured({ environment: "", files: "", memory: nothing, log: "x" });
    for (const { status, evidence } of Object.values(rows)) {
      expect(status).toBe("fail");
      expect(evidence).toMatch(
        /^the search did not find the control \(.*\), so it proves nothing$/,
      );
    }
  });

  test("is skipped where the kernel does not let it read memory", async () => {
    const errors = ["process 1: Permission denied"];
    const { rows } = await measured({ memory: { ...MEMORY, found: [false, false], errors } });
    expect(rows["litellm.memory"]).toEqual({
      status: "skipped",
      evidence: "process 1: Permission denied",
    });
  });

  test.each<[VariantName, string]>([
    ["litellm", "on path litellm LiteLLM holds the real credential itself"],
    ["envoy-terminate", "path envoy-terminate has no LiteLLM"],
    ["envoy-sni", "path envoy-sni has no LiteLLM"],
  ])("does not apply to %s", async (variant, evidence) => {
    const { rows, asked } = await measured({}, { variant });
    expect(Object.values(rows)).toEqual(Array(4).fill({ status: "not-applicable", evidence }));
    expect(asked).toEqual([]);
  });
});

const hasPython = spawnSync("python3", ["--version"]).status === 0;

test.runIf(hasPython)("the search program finds keys in a real process and in files", async () => {
  const dir = mkdtempSync(join(tmpdir(), "search-"));
  writeFileSync(join(dir, "tokens.json"), "text of a file");
  // The process puts its keys together, so that they are in its memory only.
  const program =
    'import sys; keys = ["sk-ant-" + part for part in sys.stdin.readline().split()]; print("ready", flush=True); sys.stdin.read()';
  const child = spawn("python3", ["-c", program], { env: { PLANTED: "variable" } });
  try {
    const parts = [REAL, FOREIGN, PLACEHOLDER].map((key) => key.slice("sk-ant-".length));
    child.stdin.write(`${parts.join(" ")}\n`);
    await once(child.stdout, "data");
    const absent = "sk-ant-api03-not-in-that-process";
    const input: SearchInput = {
      wanted: [PLACEHOLDER, REAL, absent].map(wantedFor),
      pids: [child.pid ?? 0],
      places: [dir],
    };
    const { status, stdout, stderr } = spawnSync("python3", ["-c", SEARCH], {
      input: JSON.stringify(input),
      encoding: "utf8",
    });
    expect(status, stderr).toBe(0);
    const held = JSON.parse(stdout) as Held;
    expect(held.environment).toContain("PLANTED=variable");
    expect(held.files).toBe("text of a file");
    expect(held.memory).toMatchObject({
      found: [true, true, false],
      others: ["sk-ant-oat01-ano…"],
      errors: [],
    });
  } finally {
    child.kill();
    rmSync(dir, { recursive: true });
  }
});
