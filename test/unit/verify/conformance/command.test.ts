import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FakeAnthropic, startFakeAnthropic } from "../../../lab/anthropic/server.ts";
import { run } from "../../../lab/pulumi/run.ts";
import type { Report } from "../../../verify/conformance/report/report.ts";
import { type Defect, type ModelGateway, startModelGateway, TOKEN } from "./model-gateway.ts";

/** `npm run verify` and `npm run verify:egress` as processes: what they print, write and exit with. */
const KEY = "sk-ant-api03-unit";
const cwd = join(import.meta.dirname, "../../../..");

let dir: string;
let upstream: FakeAnthropic;
const gateways: ModelGateway[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "verify-command-"));
  upstream = await startFakeAnthropic({
    control: join(dir, "control.sock"),
    http: [{ host: "127.0.0.1", port: 0 }],
    credentials: [KEY],
  });
});

afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await upstream.close();
  await rm(dir, { recursive: true });
});

async function gatewayWith(defect: Defect): Promise<string> {
  const gateway = await startModelGateway({ port: upstream.http[0]?.port ?? 0, key: KEY }, defect);
  gateways.push(gateway);
  return gateway.baseUrl;
}

function command(name: string, ...args: string[]) {
  return commandWith({}, name, ...args);
}

function commandWith(env: NodeJS.ProcessEnv, name: string, ...args: string[]) {
  const argv = [process.execPath, "--import", "tsx", `commands/${name}.ts`, ...args] as const;
  return run({
    argv: [...argv],
    cwd,
    env: { ...process.env, ANTHROPIC_AUTH_TOKEN: TOKEN, ...env },
  });
}

async function measured(defect: Defect, ...args: string[]) {
  const json = join(dir, "report.json");
  const url = await gatewayWith(defect);
  const ended = await command("verify", "--url", url, "--json", json, ...args);
  return { ...ended, report: JSON.parse(await readFile(json, "utf8")) as Report };
}

describe("npm run verify -- --url", () => {
  test("ends with 0 if every result is the expected one, and says first what it costs", async () => {
    const { exitCode, stderr, report } = await measured({});
    expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 0, verdict: "as-expected" });
    expect(stderr).toContain("caching.one-hour costs at most 12.47 cents");
    expect(stderr).toContain("Together at most 38.04 cents, at list prices");
    expect(stderr.indexOf("costs at most")).toBeLessThan(stderr.indexOf("… Measuring"));
  });

  test("compares both ends, for nothing, if the gateway uses the fake API", async () => {
    const { stderr, report } = await measured(
      { ownError: () => "<h1>no</h1>" },
      ...["--upstream", join(dir, "control.sock")],
    );
    expect(report.view).toBe("both-sides");
    expect(stderr).not.toContain("costs at most");
    const ran = report.checks.filter(({ status }) => status === "pass" || status === "fail");
    expect(ran.length).toBeGreaterThan(100);
  });

  test("sends ANTHROPIC_CUSTOM_HEADERS, as Claude Code does", async () => {
    const received: IncomingHttpHeaders[] = [];
    const server = createServer(({ headers }, response) => {
      received.push(headers);
      response.writeHead(403).end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const headers = { ANTHROPIC_CUSTOM_HEADERS: "x-provider: anthropic\nx-team: a b" };
    const { exitCode } = await commandWith(headers, "verify", "--url", url);
    server.close();
    expect(exitCode).toBe(2);
    expect(received).toMatchObject([{ "x-provider": "anthropic", "x-team": "a b" }]);
  });

  test("ends with 1 if a result is another one", async () => {
    const { exitCode, stdout } = await measured({ ownError: () => "<h1>no</h1>" });
    expect(exitCode).toBe(1);
    expect(stdout).toContain("Verdict: DIFFERS");
  });

  test("runs nothing that --budget does not cover, reports it as not run, and recommends nothing", async () => {
    const { exitCode, stdout, stderr, report } = await measured({}, "--budget", "0.04");
    expect(exitCode).toBe(0);
    const notRun = report.checks.filter(({ unmet = [] }) => unmet.includes("budget"));
    expect(notRun.map(({ id, status }) => `${id} ${status}`)).toEqual(
      [
        "caching.five-minutes",
        "caching.one-hour",
        "caching.unmarked",
        "streaming.well-formed",
        "tools.forced",
      ].map((id) => `${id} skipped`),
    );
    expect(notRun[0]?.evidence).toBe(
      "not run, because of --budget: it can cost at most 12.47 cents, and 3.70 cents of 4.00 cents are planned for what runs before it",
    );
    expect(stderr).toContain(`caching.five-minutes: ${notRun[0]?.evidence ?? ""}`);
    expect(stdout).toContain("Not known: 5 checks not run, because of --budget");
    expect(report.checks.find(({ id }) => id === "own-errors.accepts-both")?.status).toBe("pass");
  });
});

describe("exit code 2", () => {
  test.each([
    { what: "nothing listens", args: ["--url", "http://127.0.0.1:9"], says: "nothing answers at" },
    {
      what: "no fake API answers",
      args: ["--url", "http://127.0.0.1:9", "--upstream", "/nowhere/api.sock"],
      says: "--upstream /nowhere/api.sock: no fake API answers there",
    },
    { what: "no target is given", args: [], says: "exactly one of --stack, --all-paths and --url" },
    {
      what: "a report cannot be written",
      args: ["--url", "http://127.0.0.1:9", "--json", "/nowhere/report.json"],
      says: "--json /nowhere/report.json: there is no folder /nowhere",
    },
  ])("verify, if $what", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await command("verify", ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(says);
  });

  test("verify, if the API behind the gateway rejects its credential", async () => {
    const url = await gatewayWith({ accepts: () => false });
    const { exitCode, stderr } = await command("verify", "--url", url);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("rejects the credential: 401");
  });

  test.each([
    { what: "no stack is named", args: [], says: "--stack is missing" },
    {
      what: "a report cannot be written",
      args: ["--stack", "nobody", "--json", "/nowhere/report.json"],
      says: "--json /nowhere/report.json: there is no folder /nowhere",
    },
  ])("verify:egress, if $what", async ({ args, says }) => {
    const { exitCode, stdout, stderr } = await command("verify-egress", ...args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(says);
  });
});
