/** Requests to the REST API for one repository: methods, and RE2 for the path below `/repos/OWNER/NAME`. */
export interface RestParts {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

const ID = "[0-9]+";
/** The rest of a path, for example a branch or a file. The gateway refuses paths that can be read in two ways. */
const REST = ".+";
/** The same without a colon: `compare/main...OWNER:NAME:BRANCH` would be another repository. */
const NO_COLON = "(?:[^:%]|%[0-24-9A-Fa-f][0-9A-Fa-f]|%3[0-9B-Fb-f])+";

const LISTS = [
  "assignees",
  "branches",
  "check-runs",
  "check-suites",
  "comments",
  "commits",
  "contributors",
  "issues",
  "labels",
  "languages",
  "license",
  "milestones",
  "pulls",
  "readme",
  "releases",
  "tags",
  "topics",
].join("|");

/** What an agent with `read` may ask for. Settings, collaborators, hooks, keys, secrets and traffic are missing. */
export const restReads: RestParts = {
  methods: ["GET", "HEAD"],
  paths: [
    "",
    `/(?:${LISTS})(?:/${REST})?`,
    `/(?:contents|tarball|zipball)(?:/${REST})?`,
    `/git/(?:blobs|commits|matching-refs|ref|refs|tags|trees)(?:/${REST})?`,
    `/actions/(?:jobs|runs|workflows)(?:/${REST})?`,
    `/compare/${NO_COLON}`,
  ],
};

/**
 * What an agent with `write` may change besides: what a push changes, and what is said about it. What is missing: settings,
 * deletion, transfer, forks and templates, which take a repository elsewhere or away; collaborators, keys, hooks, secrets,
 * environments and branch protection, which change who may do what; statuses and check runs, which pass required checks;
 * dispatches and re-runs, which start workflows; sub-issues, which can be another repository's.
 */
export const restWrites: readonly RestParts[] = [
  {
    methods: ["POST"],
    paths: [
      "/git/(?:blobs|commits|refs|tags|trees)",
      "/merges",
      "/pulls",
      `/pulls/${ID}/(?:comments|reviews|requested_reviewers)`,
      `/pulls/${ID}/comments/${ID}/replies`,
      `/pulls/${ID}/reviews/${ID}/events`,
      "/issues",
      `/issues/${ID}/(?:assignees|comments|labels|reactions)`,
      `/(?:issues|pulls)/comments/${ID}/reactions`,
      "/labels",
      "/milestones",
      `/commits/[0-9a-f]+/comments`,
      "/releases(?:/generate-notes)?",
    ],
  },
  {
    methods: ["PATCH"],
    paths: [
      `/git/refs/${REST}`,
      `/(?:issues|pulls|milestones)/${ID}`,
      `/(?:(?:issues|pulls)/)?comments/${ID}`,
      "/labels/[^/]+",
      `/releases/(?:assets/)?${ID}`,
    ],
  },
  {
    methods: ["PUT"],
    paths: [
      `/contents/${REST}`,
      `/pulls/${ID}/(?:merge|update-branch)`,
      `/pulls/${ID}/reviews/${ID}(?:/dismissals)?`,
      `/issues/${ID}/labels`,
    ],
  },
  {
    methods: ["DELETE"],
    paths: [
      `/contents/${REST}`,
      `/git/refs/${REST}`,
      `/pulls/${ID}/(?:requested_reviewers|reviews/${ID})`,
      `/issues/${ID}/(?:assignees|labels(?:/[^/]+)?|reactions/${ID})`,
      `/(?:(?:issues|pulls)/)?comments/${ID}`,
      `/(?:issues|pulls)/comments/${ID}/reactions/${ID}`,
      "/labels/[^/]+",
      `/milestones/${ID}`,
      `/releases/(?:assets/)?${ID}`,
    ],
  },
];
