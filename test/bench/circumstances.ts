import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { images } from "../../stacks/versions.ts";
import { requiredVersion } from "../lab/parts/programs.ts";
import portkey from "../lab/parts/portkey/package.json" with { type: "json" };
import type { Circumstances } from "./report/report.ts";

/** Records machine and versions at the start of a run. Call the returned function at its end. */
export async function circumstancesAtStart(): Promise<() => Circumstances> {
  const started = Date.now();
  const [load = 0] = loadavg();
  const parts = join(import.meta.dirname, "../lab/parts");
  const pulumi = await requiredVersion(join(parts, "pulumi"), "github.com/pulumi/pulumi/pkg/v3");
  return () => ({
    date: new Date(started).toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? "unknown CPU",
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 1e9),
      system: `${type()} ${release()}`,
      loadAtStart: load,
    },
    versions: {
      Envoy: tag(images.envoy),
      LiteLLM: tag(images.litellm),
      Portkey: portkey.dependencies["@portkey-ai/gateway"],
      Pulumi: pulumi,
      Node: process.versions.node,
    },
    minutes: (Date.now() - started) / 60_000,
  });
}

function tag(image: string): string {
  return /:(?:distroless-)?v?([^@:]+)(?:@|$)/.exec(image)?.[1] ?? image;
}
