/**
 * Every image that is deployed. The release of k3s is in infra/machine/k3s-release.ts. Each image has an exact tag.
 * A digest is that of the index for all machines, and stands here only if several independent public sources have it;
 * `npm run images` looks up the others. Node and Valkey are built again under the same tag: theirs is the newest found on 2026-11-26.
 */
export const images = {
  litellm: "ghcr.io/berriai/litellm:v1.110.2",
  envoy: "envoyproxy/envoy:distroless-v1.40.0",
  coredns:
    "coredns/coredns:1.14.7@sha256:7efd3c635b03efd68c4e8398fc45f0d993d0e9ab016f72c1cefb0fd6d01aa286",
  node: "node:24.21.0-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20",
  // The service has no releases. Its images are named after commits.
  ratelimit: "envoyproxy/ratelimit:3fb70258",
  valkey:
    "valkey/valkey:9.1.2@sha256:418652cfb58ef879d4978c33553735d7147016032d5aefaa14c828e611eb9dfd",
} as const;
