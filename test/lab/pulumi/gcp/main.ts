/**
 * Stands in for `pulumi-resource-gcp`, the Pulumi Google Cloud provider, which no package registry serves, and for
 * Google Cloud behind it. It knows the resources of kinds.ts: checks inputs against the types that @pulumi/gcp
 * declares, fills outputs as GCE does, replaces what cannot be changed in place, wants a stop acknowledged, keeps
 * deletion protection and what is in use. Left out: names that the provider makes up, importing, what takes time.
 * What exists is kept in the folder CLAUDE_GATEWAY_GCP_WORLD, else in PULUMI_HOME, and fails there on demand (world.ts).
 */
import { tmpdir } from "node:os";
import { join } from "node:path";

import manifest from "@pulumi/gcp/package.json" with { type: "json" };
import { serveProvider } from "../provider/serve.ts";
import types from "./types.json" with { type: "json" };
import { gcpProvider } from "./provider.ts";
import type { InputTypes } from "./input-types.ts";
import { World } from "./world.ts";

const dir =
  process.env.CLAUDE_GATEWAY_GCP_WORLD ?? join(process.env.PULUMI_HOME ?? tmpdir(), "gcp");
await serveProvider(gcpProvider(manifest.version, types as InputTypes, new World(dir)));
