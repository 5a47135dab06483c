/**
 * Stands in for `pulumi-resource-kubernetes`, the Pulumi Kubernetes provider, which no package registry serves. It
 * works against any API server and follows release 4.34 in what is replaced, waited for, deleted, forced, kept secret
 * and said when the cluster is out of reach. Left out, each with an error that says so: charts, YAML files, Patch
 * resources, rendering to files, updates without server-side apply; and an Ingress is not waited for.
 */
import manifest from "@pulumi/kubernetes/package.json" with { type: "json" };
import { connectEngine } from "../provider/engine.ts";
import { engineAddress } from "../provider/plugin.ts";
import { serveProvider } from "../provider/serve.ts";
import { KubernetesProvider } from "./provider.ts";

await serveProvider(new KubernetesProvider(manifest.version, connectEngine(engineAddress())));
