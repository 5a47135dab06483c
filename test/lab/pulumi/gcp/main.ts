/**
 * Simulates `pulumi-resource-gcp`, the Pulumi Google Cloud provider, which no package registry has, and Google Cloud behind
 * it. It knows the resources of kinds.ts: it checks inputs against the types that @pulumi/gcp declares, fills in outputs
 * like GCE, replaces what cannot be changed in place, requires confirmation of a stop, and refuses to delete protected
 * resources and resources in use. Missing: names that the provider generates, importing, and delays.
 * The existing resources are stored in the folder CLAUDE_GATEWAY_GCP_WORLD (default: PULUMI_HOME), where a test can also
 * order failures (world.ts).
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
