import { createHash } from "node:crypto";
import { type Grants, may, sees } from "./grants.ts";
import { type Answer, objectIn, type Request } from "./http.ts";
import { fullName, type Repository, type World } from "./world.ts";

const PATH = /^\/([^/]+)\/([^/]+?)\.git\/info\/lfs\/(objects\/batch|locks(?:\/.*)?)$/;
const MEDIA = "application/vnd.git-lfs+json";
const STORAGE = /^\/alambic\/media\/(\d+)\/[0-9a-f]{2}\/[0-9a-f]{2}\/([0-9a-f]{64})$/;
const VERIFY = /^\/([^/]+)\/([^/]+)\/objects\/([0-9a-f]{64})\/verify$/;

/** What an upload to the storage shows, in the form that GitHub gave clients of LFS. */
const STORAGE_CREDENTIAL = "AWS4-HMAC-SHA256 Credential=LAB,SignedHeaders=host,Signature=00";
const VERIFY_CREDENTIAL = "RemoteAuth lab";

/** Git LFS at github.com: which objects are where. https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md */
export function lfs(world: World, grants: Grants, request: Request): Answer | undefined {
  const [, owner = "", name = "", action = ""] = PATH.exec(request.path) ?? [];
  if (action === "") return undefined;
  const caller = grants.callerOf(request, "basic");
  const { repository } = world.named(`${owner}/${name}`) ?? {};
  if (caller === "unknown") return answer(401, { message: "Bad credentials" });
  if (repository === undefined || !sees(caller, repository)) {
    return answer(caller === "nobody" ? 401 : 404, { message: "Repository not found." });
  }
  const { operation, objects } = objectIn(request) ?? {};
  const isWrite =
    operation === "upload" || (action !== "objects/batch" && request.method !== "GET");
  if (!may(caller, repository, "contents", isWrite ? "write" : "read")) {
    return answer(403, { message: `Permission to ${fullName(repository)} denied` });
  }
  if (action !== "objects/batch") return answer(200, { locks: [] });
  if (request.method !== "POST" || !Array.isArray(objects)) {
    return answer(422, { message: "Invalid request" });
  }
  return answer(200, {
    transfer: "basic",
    objects: (objects as { oid: string; size: number }[]).map((object) => ({
      ...object,
      ...(isWrite ? upload(repository, object.oid) : download(repository, object.oid)),
    })),
  });
}

function download(repository: Repository, oid: string) {
  if (!repository.largeFiles.has(oid)) {
    return { error: { code: 404, message: "Object does not exist on the server" } };
  }
  const href = `https://github-cloud.githubusercontent.com${placeOf(repository, oid)}?X-Amz-Signature=SIGNED`;
  return { actions: { download: { href, expires_in: 3600 } } };
}

function upload(repository: Repository, oid: string) {
  if (repository.largeFiles.has(oid)) return {};
  return {
    actions: {
      upload: {
        href: `https://github-cloud.s3.amazonaws.com${placeOf(repository, oid)}?actor_id=1`,
        header: { Authorization: STORAGE_CREDENTIAL, "x-amz-content-sha256": oid },
      },
      verify: {
        href: `https://lfs.github.com/${fullName(repository)}/objects/${oid}/verify`,
        header: { Authorization: VERIFY_CREDENTIAL, Accept: MEDIA },
      },
    },
  };
}

function placeOf({ id }: Repository, oid: string): string {
  return `/alambic/media/${id}/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`;
}

/** The storage of LFS: what is signed is enough, and GitHub's tokens are refused, as S3 refuses two credentials. */
export function lfsStorage(world: World, request: Request): Answer | undefined {
  const { method, headers, query } = request;
  const [, id, oid = ""] = STORAGE.exec(request.path) ?? [];
  const repository = world.repositories.find((known) => known.id === Number(id));
  if (repository === undefined) return undefined;
  if (request.host === "github-cloud.githubusercontent.com") {
    if (headers.authorization !== undefined) return { status: 400 };
    if (method !== "GET" || query.get("X-Amz-Signature") !== "SIGNED") return { status: 403 };
    const content = repository.largeFiles.get(oid);
    return content === undefined ? { status: 404 } : { status: 200, body: content };
  }
  if (method !== "PUT" || headers.authorization !== STORAGE_CREDENTIAL) return { status: 403 };
  if (createHash("sha256").update(request.body).digest("hex") !== oid) return { status: 400 };
  repository.largeFiles.set(oid, request.body);
  return { status: 200 };
}

/** `lfs.github.com`: whether an upload arrived. */
export function lfsVerify(world: World, request: Request): Answer | undefined {
  const [, owner = "", name = "", oid = ""] = VERIFY.exec(request.path) ?? [];
  const repository = world.named(`${owner}/${name}`)?.repository;
  if (repository === undefined || request.method !== "POST") return undefined;
  if (request.headers.authorization !== VERIFY_CREDENTIAL) return answer(401, { message: "No" });
  return repository.largeFiles.has(oid)
    ? answer(200, {})
    : answer(404, { message: "Object does not exist on the server" });
}

function answer(status: number, body: object): Answer {
  return { status, headers: { "content-type": MEDIA }, body: JSON.stringify(body) };
}
