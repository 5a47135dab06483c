/**
 * Stands in for `pulumi-resource-random`, the Pulumi Random provider, which no package registry serves. Same inputs,
 * defaults, outputs, secrets and replacement rules for the resources of resources.ts. Left out: `bcryptHash` of a
 * password (a program that reads it finds it undefined), importing, pets, shuffles and seeded integers.
 */
import manifest from "@pulumi/random/package.json" with { type: "json" };
import { serveProvider } from "../provider/serve.ts";
import { randomProvider } from "./provider.ts";

await serveProvider(randomProvider(manifest.version));
