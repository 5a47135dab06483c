/**
 * The name under which containerd must store an image so that the kubelet finds it: with registry, repository and a tag or
 * a digest. If a reference has both, containerd drops the tag.
 */
export function recordName(reference: string): string {
  const [named = "", digest] = reference.split("@");
  const slash = named.indexOf("/");
  const host = slash < 0 ? "" : named.slice(0, slash);
  const hasHost = host.includes(".") || host.includes(":") || host === "localhost";
  const path = hasHost ? named.slice(slash + 1) : named;
  const [repository = "", tag = "latest"] = path.split(":");
  const full = hasHost
    ? `${host}/${repository}`
    : `docker.io/${repository.includes("/") ? "" : "library/"}${repository}`;
  return digest === undefined ? `${full}:${tag}` : `${full}@${digest}`;
}
