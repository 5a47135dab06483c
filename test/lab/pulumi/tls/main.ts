/**
 * Simulates `pulumi-resource-tls`, the Pulumi TLS provider, which no package registry has. For a PrivateKey (ECDSA) and a
 * SelfSignedCert it has the same inputs, defaults, outputs, secrets, replacement rules and early renewal. Missing, and refused or
 * undefined: RSA and ED25519 keys, the curves P224 and P521, the OpenSSH forms and fingerprints of a key, write-only keys, names
 * other than common name and organization, SANs, extended key usages, requests and locally signed certificates, importing.
 */
import manifest from "@pulumi/tls/package.json" with { type: "json" };
import { serveProvider } from "../provider/serve.ts";
import { tlsProvider } from "./provider.ts";

await serveProvider(tlsProvider(manifest.version));
