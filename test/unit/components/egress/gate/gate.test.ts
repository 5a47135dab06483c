import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import {
  gateContainer,
  gateFiles,
  gateVolume,
} from "../../../../../components/egress/gate/gate.ts";

const script = fileURLToPath(
  new URL("../../../../../components/egress/gate/gate.mjs", import.meta.url),
);

const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A port that answers once the given number of connections has been counted. */
async function listen(onConnection: (count: number) => void = () => undefined): Promise<number> {
  let count = 0;
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end();
    onConnection(++count);
  });
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as net.AddressInfo).port;
}

/** A port on which nothing listens. */
async function shutPort(): Promise<number> {
  const port = await listen();
  servers.pop()?.close();
  return port;
}

async function runGate(env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const gate = spawn(process.execPath, [script], { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  gate.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(gate, "close")) as [number];
  return { code, stderr };
}

function gateEnv(ports: { open: number; shut: number }, patience = "60"): Record<string, string> {
  return {
    PROBE_ADDRESS: "127.0.0.1",
    OPEN_PORT: String(ports.open),
    SHUT_PORT: String(ports.shut),
    PATIENCE_SECONDS: patience,
  };
}

describe("the start gate", () => {
  test("opens after ten rounds in which one port answered and the other did not", async () => {
    let dialled = 0;
    const open = await listen((count) => (dialled = count));
    expect(await runGate(gateEnv({ open, shut: await shutPort() }))).toEqual({
      code: 0,
      stderr: "",
    });
    expect(dialled).toBe(10);
  });

  test("stays closed and says why if both ports answer", async () => {
    const ports = { open: await listen(), shut: await listen() };
    const { code, stderr } = await runGate(gateEnv(ports, "0.5"));
    expect(code).toBe(1);
    expect(stderr).toContain("the cluster does not enforce this pod's NetworkPolicies");
  });

  test("stays closed and says why if neither port answers", async () => {
    const ports = { open: await shutPort(), shut: await shutPort() };
    const { code, stderr } = await runGate(gateEnv(ports, "0.5"));
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${ports.open} of the probe cannot be reached (ECONNREFUSED)`);
  });

  test("waits for late policies, and counts ten rounds from then on", async () => {
    let dialled = 0;
    let dialledWhenShut = 0;
    const open = await listen((count) => (dialled = count));
    const shut = await listen((count) => {
      if (count < 5) return;
      servers.pop()?.close();
      dialledWhenShut = dialled;
    });
    expect(await runGate(gateEnv({ open, shut }))).toEqual({ code: 0, stderr: "" });
    // When the port closes, the other port's connection of that round may come before or after.
    expect(dialled - dialledWhenShut).toBeGreaterThanOrEqual(10);
    expect(dialled - dialledWhenShut).toBeLessThanOrEqual(11);
  });

  test.each(["", "egress-probe.llm.svc.cluster.local"])(
    "rejects %j as an address",
    async (address) => {
      const env = { ...gateEnv({ open: 1, shut: 2 }), PROBE_ADDRESS: address };
      const { code, stderr } = await runGate(env);
      expect(code).toBe(1);
      expect(stderr).toContain("PROBE_ADDRESS must be an IP address");
    },
  );
});

test("the container runs the ConfigMap's script and sets every variable that the script reads", () => {
  const container = gateContainer({ image: "node:1", probeAddress: "10.43.1.3" });
  const [mount] = container.volumeMounts;
  expect(container.command).toEqual(["node", `${mount?.mountPath}/${Object.keys(gateFiles())[0]}`]);
  expect(mount?.name).toBe(gateVolume.name);
  expect(container.env).toEqual([
    { name: "PROBE_ADDRESS", value: "10.43.1.3" },
    { name: "OPEN_PORT", value: "7080" },
    { name: "SHUT_PORT", value: "7081" },
    { name: "PATIENCE_SECONDS", value: "30" },
  ]);
});
