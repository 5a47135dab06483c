import { type Setting, type Subject, UPSTREAM_HOST } from "./subject.ts";

/** No gateway: the agent connects to the API with TLS and checks its certificate. */
export function direct(setting: Setting): Subject {
  return {
    name: "direct",
    to: toApi(setting, setting.upstreamPort),
    pids: [],
    stop: () => Promise.resolve(),
  };
}

/** Flags of a target that speaks TLS to the API or another host, on any port. */
export function toApi({ caFile }: Setting, port: number, host = UPSTREAM_HOST): string[] {
  return [
    ...[`-connect=127.0.0.1:${port}`, `-host=${host}`, `-ca=${caFile}`],
    "-header=x-api-key: sk-ant-api03-bench",
  ];
}

/** Flags of a target that speaks plain HTTP to one of our gateways, as agents do. */
export function toGateway(port: number, token: string): string[] {
  return [
    ...[`-connect=127.0.0.1:${port}`, "-host=gateway", "-path=/anthropic/v1/messages"],
    `-header=x-api-key: ${token}`,
  ];
}
