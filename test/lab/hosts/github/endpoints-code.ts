import { commitFile, commitOf, fileOf } from "./content.ts";
import type { Endpoint, RepositoryCall } from "./endpoint.ts";
import { type Answer, json, objectIn, problem } from "./http.ts";
import { fullName, gitIn, type Repository } from "./world.ts";

/** The repository itself, its contents, branches and commits. */
export const codeEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: /^$/,
    needs: ["metadata", "read"],
    answer: ({ repository }) => json(200, described(repository)),
  },
  { method: "GET", path: /^\/contents\/(.+)$/, needs: ["contents", "read"], answer: getFile },
  { method: "PUT", path: /^\/contents\/(.+)$/, needs: ["contents", "write"], answer: putFile },
  {
    method: "GET",
    path: /^\/git\/ref\/(.+)$/,
    needs: ["contents", "read"],
    async answer({ repository, parts }) {
      const name = `refs/${decodeURIComponent(parts[1] ?? "")}`;
      const sha = await commitOf(repository, name);
      return sha === undefined
        ? problem(404, "Not Found")
        : json(200, { ref: name, object: { sha, type: "commit" } });
    },
  },
  { method: "POST", path: /^\/git\/refs$/, needs: ["contents", "write"], answer: makeRef },
  {
    method: "DELETE",
    path: /^\/git\/refs\/(.+)$/,
    needs: ["contents", "write"],
    async answer({ repository, parts }) {
      await gitIn(repository, ["update-ref", "-d", `refs/${decodeURIComponent(parts[1] ?? "")}`]);
      return { status: 204 };
    },
  },
  {
    method: "GET",
    path: /^\/(tarball|zipball)(?:\/(.+))?$/,
    needs: ["contents", "read"],
    answer({ repository, parts }) {
      const form = parts[1] === "tarball" ? "legacy.tar.gz" : "legacy.zip";
      const location = `https://codeload.github.com/${fullName(repository)}/${form}/${parts[2] ?? "refs/heads/main"}?token=SIGNED`;
      return { status: 302, headers: { location } };
    },
  },
  {
    method: "POST",
    path: /^\/statuses\/([0-9a-f]{40})$/,
    needs: ["statuses", "write"],
    answer({ repository, request, parts }) {
      const status = { ...objectIn(request), sha: parts[1] };
      repository.statuses.push(status);
      return json(201, status);
    },
  },
];

async function getFile({ repository, request, parts }: RepositoryCall): Promise<Answer> {
  const path = decodeURIComponent(parts[1] ?? "");
  const commit = await commitOf(repository, request.query.get("ref") ?? "main");
  const file = commit && (await fileOf(repository, commit, path));
  if (!file) return problem(404, "Not Found");
  return json(200, {
    ...{ type: "file", path, sha: file.sha, encoding: "base64" },
    content: Buffer.from(file.text).toString("base64"),
  });
}

async function putFile({ repository, request, parts }: RepositoryCall): Promise<Answer> {
  const path = decodeURIComponent(parts[1] ?? "");
  const { message, content, sha, branch = "main" } = objectIn(request) ?? {};
  if (typeof message !== "string" || typeof content !== "string" || typeof branch !== "string") {
    return problem(422, 'Invalid request.\n\n"message", "content" weren\'t supplied.');
  }
  const before = await fileOf(repository, `refs/heads/${branch}`, path);
  if (before !== undefined && sha !== before.sha) {
    return sha === undefined
      ? problem(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
      : problem(409, `${path} does not match ${JSON.stringify(sha)}`);
  }
  const commit = await commitFile(repository, {
    ...{ branch, path, message },
    content: Buffer.from(content, "base64"),
  });
  return json(before === undefined ? 201 : 200, { content: { path }, commit: { sha: commit } });
}

async function makeRef({ repository, request }: RepositoryCall): Promise<Answer> {
  const { ref, sha } = objectIn(request) ?? {};
  if (typeof ref !== "string" || !/^refs\/.+\/?/.test(ref) || typeof sha !== "string") {
    return problem(422, "Reference name must start with 'refs/' and contain at least two slashes.");
  }
  if ((await commitOf(repository, sha)) === undefined) return problem(422, "Object does not exist");
  if ((await commitOf(repository, ref)) !== undefined) {
    return problem(422, "Reference already exists");
  }
  await gitIn(repository, ["update-ref", ref, sha]);
  return json(201, { ref, object: { sha, type: "commit" } });
}

/** A repository as the API describes it. */
function described(repository: Repository) {
  return {
    id: repository.id,
    name: repository.name,
    full_name: fullName(repository),
    private: repository.private,
    fork: repository.forkOf !== undefined,
    default_branch: "main",
    html_url: `https://github.com/${fullName(repository)}`,
    clone_url: `https://github.com/${fullName(repository)}.git`,
  };
}
