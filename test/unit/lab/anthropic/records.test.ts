import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { fileURLToPath } from "node:url";

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { AnthropicControl } from "../../../lab/anthropic/client.ts";
import { API_KEY, call, HEADERS, SMALL, startFake } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "anthropic-tls-"));

/** A self-signed certificate for `names`: a certificate file and a key file. */
function certificate(name: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  execFileSync("openssl", ["req", ...options, ...subject, "-keyout", key, "-out", cert], {
    stdio: "pipe",
  });
  return { cert, key };
}

const api = certificate("api.example.com");
const other = certificate("other.example.com");
const pem = ({ cert, key }: { cert: string; key: string }) => ({
  cert: readFileSync(cert, "utf8"),
  key: readFileSync(key, "utf8"),
});

let fake: Awaited<ReturnType<typeof startFake>>;
beforeAll(async () => {
  fake = await startFake({
    tls: [{ host: "127.0.0.1", port: 0 }],
    identities: [pem(api), pem(other)],
  });
});
afterEach(() => fake.control.reset());
afterAll(async () => {
  await fake.stop();
  rmSync(folder, { recursive: true });
});

/** Sends bytes unchanged and returns the server's answer until the server closes the connection. */
function exchange(socket: ReturnType<typeof connectTcp>, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("end", () => {
      resolve(Buffer.concat(chunks).toString());
    });
    socket.write(bytes);
  });
}

describe("records", () => {
  test("contain the head as it was sent and the body byte for byte", async () => {
    const body =
      ' {"model":"claude-sonnet-5-5", "max_tokens":1e3,\n"messages":[{"role":"user","content":"\\u00e9"}] }';
    const head = [
      "POST /v1/messages?beta=true&x=%2F HTTP/1.1",
      "hOsT: api.example.com",
      "Anthropic-Beta: b,a",
      `X-Api-Key: ${API_KEY}`,
      "anthropic-version: 2023-06-01",
      "anthropic-beta: c",
      "Connection: close",
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    const answer = await exchange(
      connectTcp(fake.port, "127.0.0.1"),
      `${head.join("\r\n")}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\nContent-Type: application\/json\r\n/);
    const [record, ...more] = await fake.control.records();
    expect(more).toEqual([]);
    expect(record).toMatchObject({
      method: "POST",
      url: "/v1/messages?beta=true&x=%2F",
      httpVersion: "1.1",
      serverName: null,
      state: "finished",
      script: null,
      bodyBytes: Buffer.byteLength(body),
      bodySha256: createHash("sha256").update(body).digest("hex"),
      headers: head.slice(1).map((line) => line.split(": ")),
    });
    const id = record?.id ?? 0;
    expect((await fake.control.requestBody(id)).toString()).toBe(body);
    const sent = (await fake.control.responseBody(id)).toString();
    const chunk = `${Buffer.byteLength(sent).toString(16)}\r\n${sent}\r\n`;
    expect(answer.slice(answer.indexOf("\r\n\r\n") + 4)).toBe(`${chunk}0\r\n\r\n`);
    expect(record?.response?.headers).toContainEqual(["Content-Type", "application/json"]);
  });

  test("show which requests shared a connection", async () => {
    const request = `HEAD /api/hello HTTP/1.1\r\nHost: a\r\n\r\n`;
    const last = `HEAD /api/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    await exchange(connectTcp(fake.port, "127.0.0.1"), request + last);
    await exchange(connectTcp(fake.port, "127.0.0.1"), last);
    const [first, second, third] = (await fake.control.records()).map((one) => one.connection);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test("are deleted by clear, and the numbers continue", async () => {
    await call(fake.port, { body: SMALL });
    const [record] = await fake.control.records();
    await fake.control.clearRecords();
    expect(await fake.control.records()).toEqual([]);
    await expect(fake.control.requestBody(record?.id ?? 0)).rejects.toThrow("no record");
    await call(fake.port, { body: SMALL });
    await call(fake.port, { body: SMALL });
    const ids = (await fake.control.records()).map(({ id }) => id);
    expect(ids).toEqual([(record?.id ?? 0) + 1, (record?.id ?? 0) + 2]);
    expect((await fake.control.records(ids[0])).map(({ id }) => id)).toEqual([ids[1]]);
  });

  test("are not made while recording is off", async () => {
    await fake.control.setRecording(false);
    expect((await call(fake.port, { body: SMALL })).status).toBe(200);
    expect(await fake.control.records()).toEqual([]);
    expect((await fake.control.health()).recording).toBe(false);
  });

  test("show an unfinished request, and later how it ended", async () => {
    const socket = connectTcp(fake.port, "127.0.0.1");
    socket.write("POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{");
    await fake.control.waitFor(({ state }) => state === "receiving");
    socket.destroy();
    const record = await fake.control.waitFor(({ state }) => state === "aborted");
    expect(record).toMatchObject({ receivedAtMs: null, response: null });
  });

  test("list the seen exchanges if the awaited one does not come", async () => {
    await call(fake.port, { method: "HEAD", path: "/api/hello" });
    await expect(fake.control.waitFor(({ state }) => state === "reset", 50)).rejects.toThrow(
      "no matching exchange within 50 ms; seen: HEAD /api/hello finished",
    );
  });
});

describe("the prompt cache", () => {
  const body = {
    ...SMALL,
    system: [{ type: "text", text: "word ".repeat(2000), cache_control: { type: "ephemeral" } }],
  };
  const read = async () => {
    const { usage } = JSON.parse((await call(fake.port, { body })).body) as {
      usage: { cache_read_input_tokens: number; cache_creation_input_tokens: number };
    };
    return [usage.cache_read_input_tokens > 0, usage.cache_creation_input_tokens > 0];
  };

  test("can be expired and cleared", async () => {
    expect(await read()).toEqual([false, true]);
    expect(await read()).toEqual([true, false]);
    await fake.control.advanceClock(301);
    expect(await read()).toEqual([false, true]);
    await fake.control.clearCache();
    expect(await read()).toEqual([false, true]);
  });
});

describe("TLS", () => {
  const request = [
    "POST /v1/messages HTTP/1.1",
    "Host: api.example.com",
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
    `Content-Length: ${JSON.stringify(SMALL).length}`,
    "",
    JSON.stringify(SMALL),
  ].join("\r\n");
  let port: number;
  beforeAll(() => {
    port = fake.tls[0]?.port ?? 0;
  });
  const tls = (servername: string, ca: { cert: string }, at = port) =>
    connectTls({
      host: "127.0.0.1",
      port: at,
      servername,
      ca: readFileSync(ca.cert),
      ALPNProtocols: ["h2", "http/1.1"],
    });

  test.each([
    ["api.example.com", api],
    ["other.example.com", other],
  ])("serves %s with its certificate and records the name", async (name, identity) => {
    const socket = tls(name, identity);
    expect(await exchange(socket, request)).toMatch(/^HTTP\/1.1 200 OK/);
    expect(socket.alpnProtocol).toBe("http/1.1");
    const [record] = await fake.control.records();
    expect(record?.serverName).toBe(name);
    expect(record?.connection).toBeGreaterThan(0);
  });

  test("fails the handshake for a name without a certificate", async () => {
    const answer = exchange(tls("nobody.example.com", api), request).catch(() => "");
    expect(await answer).toBe("");
    expect(await fake.control.records()).toEqual([]);
  });

  test("resets the TCP connection under TLS", async () => {
    await fake.control.push({
      action: {
        kind: "frames",
        frames: [{ text: "a" }, { text: "", gate: "cut" }],
        end: "reset",
      },
    });
    // Node's TLS client reports a reset as an end, so a relay in between records what TCP did.
    let outcome: (code: string | undefined) => void = () => undefined;
    const seen = new Promise<string | undefined>((resolve) => {
      outcome = resolve;
    });
    const relay = createServer((near) => {
      const far = connectTcp(port, "127.0.0.1");
      far.on("error", (error: NodeJS.ErrnoException) => {
        outcome(error.code);
        near.destroy();
      });
      far.on("end", () => {
        outcome("end");
      });
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const through = tls("api.example.com", api, (relay.address() as AddressInfo).port);
    through.once("data", () => void fake.control.openGate("cut"));
    await exchange(through, request).catch(() => undefined);
    expect(await seen).toBe("ECONNRESET");
    expect((await fake.control.records())[0]?.state).toBe("reset");
    relay.close();
  });
});

describe("the process", () => {
  const main = fileURLToPath(new URL("../../../lab/anthropic/main.ts", import.meta.url));
  const run = (args: readonly string[]) =>
    spawn(process.execPath, ["--import", "tsx", main, ...args], { stdio: "pipe" });
  const exited = (child: ReturnType<typeof run>) =>
    new Promise<number | null>((resolve) => {
      child.on("exit", resolve);
    });

  test("serves both kinds of port and ends on SIGTERM", async () => {
    const socket = join(folder, "main.sock");
    const credentials = join(folder, "credentials");
    writeFileSync(credentials, `${API_KEY}\n\n`);
    const tls = ["--listen", "127.0.0.1:0", "--cert", api.cert, "--key", api.key];
    const plain = ["--listen-http", "127.0.0.1:0", "--control", socket];
    const child = run([...tls, ...plain, "--credentials", credentials]);
    const ended = exited(child);
    const line = await new Promise<string>((resolve) => {
      child.stdout.once("data", (chunk: Buffer) => {
        resolve(chunk.toString());
      });
    });
    const { http } = JSON.parse(line) as { http: { port: number }[] };
    expect((await call(http[0]?.port ?? 0, { body: SMALL })).status).toBe(200);
    const health = await new AnthropicControl(socket).ready();
    expect(health).toEqual({
      ready: true,
      pid: child.pid,
      recording: true,
      records: 1,
      scripts: 0,
    });
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  const mistakes: [string, string[], string][] = [
    ["nothing to listen on", [], "nothing to listen on: give --listen or --listen-http"],
    ["a bad address", ["--listen-http", "8080"], '"8080" is not an address: write host:port'],
    ["TLS without a certificate", ["--listen", "127.0.0.1:0"], "give --cert and --key"],
  ];
  test.each(mistakes)("refuses %s", async (_name, args, message) => {
    const child = run(args);
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    expect(await exited(child)).toBe(2);
    expect(errors).toContain(message);
    expect(errors.trim().split("\n")).toHaveLength(1);
  });
});
