import type { Endpoint, RepositoryCall } from "./endpoint.ts";
import { type Answer, json, objectIn, problem } from "./http.ts";
import { fullName, type Release, type Repository } from "./world.ts";

/** Releases and their files. */
export const releaseEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: /^\/releases$/,
    needs: ["contents", "read"],
    answer: ({ repository }) =>
      json(
        200,
        repository.releases.map((release) => described(repository, release)),
      ),
  },
  {
    method: "POST",
    path: /^\/releases$/,
    needs: ["contents", "write"],
    answer({ world, repository, request }) {
      const { tag_name: tag, name = tag } = objectIn(request) ?? {};
      if (typeof tag !== "string") return problem(422, "Validation Failed");
      const release: Release = { id: world.next(), tag, name: String(name), assets: [] };
      repository.releases.push(release);
      return json(201, described(repository, release));
    },
  },
  {
    method: "GET",
    path: /^\/releases\/tags\/(.+)$/,
    needs: ["contents", "read"],
    answer({ repository, parts }) {
      const tag = decodeURIComponent(parts[1] ?? "");
      const release = repository.releases.find((known) => known.tag === tag);
      return release === undefined
        ? problem(404, "Not Found")
        : json(200, described(repository, release));
    },
  },
  {
    method: "GET",
    path: /^\/releases\/assets\/(\d+)$/,
    needs: ["contents", "read"],
    answer({ repository, request, parts }) {
      const id = Number(parts[1]);
      const asset = repository.releases.flatMap(({ assets }) => assets).find((a) => a.id === id);
      if (asset === undefined) return problem(404, "Not Found");
      if (request.headers.accept !== "application/octet-stream") {
        return json(200, { id, name: asset.name, size: asset.content.length });
      }
      const location = `https://release-assets.githubusercontent.com/github-production-release-asset/${repository.id}/${id}?sp=r&sig=SIGNED`;
      return { status: 302, headers: { location } };
    },
  },
];

/** `POST uploads.github.com/repos/OWNER/NAME/releases/ID/assets?name=FILE` */
export const uploadEndpoint: Endpoint = {
  method: "POST",
  path: /^\/releases\/(\d+)\/assets$/,
  needs: ["contents", "write"],
  answer({ world, repository, request, parts }: RepositoryCall): Answer {
    const release = repository.releases.find(({ id }) => id === Number(parts[1]));
    const name = request.query.get("name");
    if (release === undefined) return problem(404, "Not Found");
    if (name === null) return problem(422, "Validation Failed");
    const asset = { id: world.next(), name, content: request.body };
    release.assets.push(asset);
    return json(201, { id: asset.id, name, size: asset.content.length, state: "uploaded" });
  },
};

function described(repository: Repository, { id, tag, name, assets }: Release) {
  return {
    ...{ id, tag_name: tag, name },
    upload_url: `https://uploads.github.com/repos/${fullName(repository)}/releases/${id}/assets{?name,label}`,
    assets: assets.map((asset) => ({
      ...{ id: asset.id, name: asset.name, size: asset.content.length },
      url: `https://api.github.com/repos/${fullName(repository)}/releases/assets/${asset.id}`,
    })),
  };
}
