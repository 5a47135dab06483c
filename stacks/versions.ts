/**
 * Every image that is deployed. The release of k3s is in infra/machine/k3s-release.ts. Each image has an exact tag. To pin
 * one by digest too, append the `@sha256:…` that `docker buildx imagetools inspect IMAGE` prints.
 */
export const images = {
  litellm: "ghcr.io/berriai/litellm:v1.110.2",
  envoy: "envoyproxy/envoy:distroless-v1.40.0",
  coredns: "coredns/coredns:1.14.7",
  node: "node:24.21.0-bookworm-slim",
  // The service has no releases. Its images are named after commits.
  ratelimit: "envoyproxy/ratelimit:3fb70258",
  valkey: "valkey/valkey:9.1.2",
} as const;
