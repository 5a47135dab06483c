import { type Setting, type Subject, UPSTREAM_HOST } from "./subject.ts";

/** No gateway: TLS from the agent to the API, checked against the authority. */
export function direct(setting: Setting): Subject {
  return {
    name: "direct",
    to: toApi(setting, setting.upstreamPort),
    pids: [],
    stop: () => Promise.resolve(),
  };
}

/** Flags of a target that speaks TLS with the API, by whatever port it is to be had. */
export function toApi({ caFile }: Setting, port: number): string[] {
  return [
    ...[`-connect=127.0.0.1:${port}`, `-host=${UPSTREAM_HOST}`, `-ca=${caFile}`],
    "-header=x-api-key: sk-ant-api03-bench",
  ];
}

/** Flags of a target that speaks plain HTTP with a gateway of ours, as agents do. */
export function toGateway(port: number, token: string): string[] {
  return [
    ...[`-connect=127.0.0.1:${port}`, "-host=gateway", "-path=/anthropic/v1/messages"],
    `-header=x-api-key: ${token}`,
  ];
}
