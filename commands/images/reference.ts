import { parseImageReference } from "../../components/schema/image.ts";

/** Where a registry has an image. */
export interface Place {
  /** Address of the registry, without a path. */
  readonly registry: string;
  readonly repository: string;
}

/** Docker Hub's registry; its images are written without it. https://github.com/distribution/reference */
const DOCKER_HUB = "registry-1.docker.io";

/** Where the image of a reference is. Plain HTTP is for this machine alone, as Docker and containerd have it. */
export function placeOf(reference: string): Place {
  const name = parseImageReference(reference)?.name ?? reference;
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  if (!/[.:]/.test(first) && first !== "localhost") {
    return {
      registry: `https://${DOCKER_HUB}`,
      repository: slash < 0 ? `library/${name}` : name,
    };
  }
  const repository = name.slice(slash + 1);
  if (first === "docker.io" || first === "index.docker.io") {
    return {
      registry: `https://${DOCKER_HUB}`,
      repository: repository.includes("/") ? repository : `library/${repository}`,
    };
  }
  const local = /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(first);
  return { registry: `${local ? "http" : "https"}://${first}`, repository };
}
