/**
 * Every image that is deployed, in one place; the release of k3s is in infra/machine/k3s-release.ts. Images are exact tags, with the digest where it was
 * confirmed; `docker buildx imagetools inspect IMAGE` prints the digest of one that has none.
 */
export const images = {
  litellm: "ghcr.io/berriai/litellm:v1.110.2",
  envoy: "envoyproxy/envoy:distroless-v1.40.0",
  coredns: "coredns/coredns:1.14.7",
  node: "node:24.21.0-bookworm-slim",
} as const;
