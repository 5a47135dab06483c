/**
 * Every version that is deployed, in one place. Images are exact tags, with the digest where it was
 * confirmed; `docker buildx imagetools inspect IMAGE` prints the digest of one that has none.
 */
export const images = {
  litellm: "ghcr.io/berriai/litellm:v1.110.2",
  envoy: "envoyproxy/envoy:distroless-v1.40.0",
  coredns: "coredns/coredns:1.14.7",
  node: "node:24.21.0-bookworm-slim",
} as const;

/** k3s on the machine that a `host` stack makes. */
export const k3s = {
  version: "v1.36.3+k3s1",
  sha256: {
    amd64: "2f98a9f8fe5782479ee2d54e70a1b10a7f6fd4cae8d38ed3098452dc6eed76b5",
    arm64: "c9a209103f480f163b7c6a56f00862b4481927b284dc29a3716bb70d886691a8",
  },
} as const;
