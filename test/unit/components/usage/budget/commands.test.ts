import { spawn } from "node:child_process";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { ratelimitEnvironment } from "../../../../../components/usage/budget/ratelimit-environment.ts";
import { valkeyCommand } from "../../../../../components/usage/budget/valkey-command.ts";
import { waitCommand } from "../../../../../components/usage/budget/wait-for-valkey.ts";

test("Valkey appends every change to a file of bounded size, and forgets nothing", () => {
  expect(valkeyCommand({ dataPath: "/data", port: 6379 })).toEqual([
    "valkey-server",
    ...["--port", "6379"],
    ...["--dir", "/data"],
    ...["--protected-mode", "no"],
    ...["--save", ""],
    ...["--appendonly", "yes"],
    ...["--appendfsync", "everysec"],
    ...["--auto-aof-rewrite-percentage", "100"],
    ...["--auto-aof-rewrite-min-size", "16mb"],
    ...["--maxmemory", "64mb"],
    ...["--maxmemory-policy", "noeviction"],
  ]);
});

test("the rate-limit service's environment", () => {
  const ports = { grpc: 8081, health: 8080, metrics: 9102 };
  expect(
    ratelimitEnvironment({ valkey: "10.43.0.9:6379", runtimePath: "/etc/ratelimit", ports }),
  ).toEqual({
    LOG_LEVEL: "WARN",
    LOG_FORMAT: "json",
    PORT: "8080",
    GRPC_PORT: "8081",
    DEBUG_HOST: "127.0.0.1",
    RUNTIME_ROOT: "/etc/ratelimit",
    RUNTIME_APPDIRECTORY: "limits",
    RUNTIME_WATCH_ROOT: "false",
    RUNTIME_IGNOREDOTFILES: "true",
    REDIS_SOCKET_TYPE: "tcp",
    REDIS_URL: "10.43.0.9:6379",
    REDIS_POOL_SIZE: "1",
    REDIS_TIMEOUT: "1s",
    LOCAL_CACHE_SIZE_IN_BYTES: "0",
    LIMIT_RESPONSE_HEADERS_ENABLED: "true",
    LIMIT_LIMIT_HEADER: "x-gateway-budget-limit",
    LIMIT_REMAINING_HEADER: "x-gateway-budget-remaining",
    LIMIT_RESET_HEADER: "x-gateway-budget-reset",
    USE_STATSD: "false",
    USE_PROMETHEUS: "true",
    PROMETHEUS_ADDR: ":9102",
  });
});

test("the rate-limit service waits until Valkey accepts connections", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");

  const [program = "", ...args] = waitCommand(`127.0.0.1:${port}`);
  expect(program).toBe("node");
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const exited = once(child, "exit");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(child.exitCode).toBe(null);

  server.on("connection", (socket) => socket.destroy()).listen(port, "127.0.0.1");
  expect((await exited)[0]).toBe(0);
  server.close();
});
