import { commitOf } from "./content.ts";
import type { Endpoint, RepositoryCall } from "./endpoint.ts";
import { type Answer, json, objectIn, problem } from "./http.ts";
import { fullName, gitIn, type Issue, type Pull, type Repository } from "./world.ts";

/** Pull requests and issues. */
export const talkEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: /^\/pulls$/,
    needs: ["pull_requests", "read"],
    answer: ({ repository }) =>
      json(
        200,
        repository.pulls.map((pull) => describedPull(repository, pull)),
      ),
  },
  { method: "POST", path: /^\/pulls$/, needs: ["pull_requests", "write"], answer: openPull },
  {
    method: "GET",
    path: /^\/pulls\/(\d+)$/,
    needs: ["pull_requests", "read"],
    answer: withPull(({ repository }, pull) => json(200, describedPull(repository, pull))),
  },
  {
    method: "PATCH",
    path: /^\/pulls\/(\d+)$/,
    needs: ["pull_requests", "write"],
    answer: withPull(({ repository, request }, pull) => {
      const { title, body, state } = objectIn(request) ?? {};
      Object.assign(pull, {
        ...(typeof title === "string" && { title }),
        ...(typeof body === "string" && { body }),
        ...((state === "open" || state === "closed") && { state }),
      });
      return json(200, describedPull(repository, pull));
    }),
  },
  {
    method: "PUT",
    path: /^\/pulls\/(\d+)\/merge$/,
    needs: ["contents", "write"],
    answer: withPull(async ({ repository }, pull) => {
      const head = await commitOf(repository, `refs/heads/${pull.head}`);
      if (head === undefined || pull.state === "closed") {
        return problem(405, "Pull Request is not mergeable");
      }
      // Only a fast-forward: nothing here depends on how the branches are merged.
      await gitIn(repository, ["update-ref", `refs/heads/${pull.base}`, head]);
      Object.assign(pull, { merged: true, state: "closed" });
      return json(200, { sha: head, merged: true });
    }),
  },
  {
    method: "GET",
    path: /^\/issues$/,
    needs: ["issues", "read"],
    answer: ({ repository }) => json(200, repository.issues),
  },
  {
    method: "POST",
    path: /^\/issues$/,
    needs: ["issues", "write"],
    answer({ world, repository, request }) {
      const { title, body = "" } = objectIn(request) ?? {};
      if (typeof title !== "string") return problem(422, "Validation Failed");
      const issue: Issue = {
        ...{ number: world.next(), title, body: String(body), state: "open", comments: [] },
      };
      repository.issues.push(issue);
      return json(201, issue);
    },
  },
  {
    method: "POST",
    path: /^\/issues\/(\d+)\/comments$/,
    needs: ["issues", "write"],
    answer({ repository, request, parts }) {
      const number = Number(parts[1]);
      const { body } = objectIn(request) ?? {};
      const issue = repository.issues.find((known) => known.number === number);
      const exists = issue ?? repository.pulls.find((known) => known.number === number);
      if (exists === undefined) return problem(404, "Not Found");
      if (typeof body !== "string") return problem(422, "Validation Failed");
      issue?.comments.push(body);
      return json(201, { id: number, body });
    },
  },
];

/** The head is a branch of this repository, or `owner:branch` of a fork. */
async function openPull({ world, repository, request }: RepositoryCall): Promise<Answer> {
  const { title, head, base, body = "" } = objectIn(request) ?? {};
  if (typeof title !== "string" || typeof head !== "string" || typeof base !== "string") {
    return problem(422, "Validation Failed");
  }
  const [branch = "", owner = repository.owner] = head.split(":").reverse();
  const source =
    owner.toLowerCase() === repository.owner.toLowerCase()
      ? repository
      : world.repositories.find(
          (known) =>
            known.owner.toLowerCase() === owner.toLowerCase() &&
            known.forkOf?.toLowerCase() === fullName(repository).toLowerCase(),
        );
  const invalid = (field: string) =>
    problem(422, "Validation Failed", {
      errors: [{ resource: "PullRequest", field, code: "invalid" }],
    });
  if (source === undefined || (await commitOf(source, `refs/heads/${branch}`)) === undefined) {
    return invalid("head");
  }
  if ((await commitOf(repository, `refs/heads/${base}`)) === undefined) return invalid("base");
  const pull: Pull = {
    ...{ number: world.next(), title, body: String(body), state: "open", merged: false },
    ...{ head: branch, base },
  };
  repository.pulls.push(pull);
  return json(201, describedPull(repository, pull));
}

function withPull(
  answer: (call: RepositoryCall, pull: Pull) => Answer | Promise<Answer>,
): Endpoint["answer"] {
  return (call) => {
    const pull = call.repository.pulls.find(({ number }) => number === Number(call.parts[1]));
    return pull === undefined ? problem(404, "Not Found") : answer(call, pull);
  };
}

function describedPull(repository: Repository, pull: Pull) {
  return {
    ...{ number: pull.number, title: pull.title, body: pull.body },
    ...{ state: pull.state, merged: pull.merged },
    head: { ref: pull.head },
    base: { ref: pull.base },
    html_url: `https://github.com/${fullName(repository)}/pull/${pull.number}`,
  };
}
