/**
 * Simulates `pulumi-resource-random`, the Pulumi Random provider, which no package registry has. It has the same inputs,
 * defaults, outputs, secrets and replacement rules for the resources of resources.ts. Missing: `bcryptHash` of a password
 * (it is undefined), importing, pets, shuffles and seeded integers.
 */
import manifest from "@pulumi/random/package.json" with { type: "json" };
import { serveProvider } from "../provider/serve.ts";
import { randomProvider } from "./provider.ts";

await serveProvider(randomProvider(manifest.version));
