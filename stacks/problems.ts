import type { z } from "zod";
import { credentialKinds } from "../components/gateway/api/credentials.ts";
import { pathNames } from "../components/gateway/paths/index.ts";
import type { Finding } from "../components/schema/finding.ts";

type Issue = z.core.$ZodIssue;

/** One list of all mistakes, with at most one for each key. */
export function problemsOf(issues: readonly Issue[], findings: readonly Finding[]): Finding[] {
  const problems = [...issues.flatMap(findingsOfIssue), ...findings];
  return problems.filter(
    ({ path }, index) => problems.findIndex((other) => keyOf(other.path) === keyOf(path)) === index,
  );
}

/** The error message: every mistake with its key, its value (never a secret) and its fix. */
export function renderProblems(
  stack: string,
  raw: Readonly<Record<string, unknown>>,
  problems: readonly Finding[],
): string {
  const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
  const lines = problems.map(
    ({ path, message }) => `  ${keyOf(path)}${shownValue(raw, path)} ${message}`,
  );
  return [
    `Stack "${stack}" has ${count} in its configuration; nothing was changed.`,
    ...lines,
  ].join("\n");
}

/** A path in the form of `pulumi config set --path`: `agents[0].name`. */
function keyOf(path: readonly string[]): string {
  return path.reduce(
    (key, part) => (/^\d+$/.test(part) ? `${key}[${part}]` : key === "" ? part : `${key}.${part}`),
    "",
  );
}

/** ` = value`. Empty if there is no value, or if it could be a secret. */
function shownValue(raw: Readonly<Record<string, unknown>>, path: readonly string[]): string {
  if (path.includes("credential") || path[0] === "telemetry" || path.at(-1) === "password") {
    return "";
  }
  let value: unknown = raw;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return "";
    value = (value as Record<string, unknown>)[part];
  }
  if (value === undefined || typeof value === "object") return "";
  const text = JSON.stringify(value);
  return text.toLowerCase().includes("sk-") ? "" : ` = ${text}`;
}

function findingsOfIssue(issue: Issue): Finding[] {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `is not a key of this configuration; remove it: pulumi config rm --path '${keyOf([...path, key])}'`,
    }));
  }
  return [{ path: discriminatorPath(issue, path), message: messageOf(issue) }];
}

function discriminatorPath(issue: Issue, path: string[]): string[] {
  const { discriminator } = issue as { discriminator?: string };
  return discriminator === undefined || path.at(-1) === discriminator
    ? path
    : [...path, discriminator];
}

/** What to run first when a key or a whole section is missing. */
const FIRST_STEP: Readonly<Record<string, string>> = {
  "egress.github.credential": "pulumi config set --path egress.github.credential.kind app",
  "egress.github.agents":
    "pulumi config set --path 'egress.github.agents.<agent>.write[0]' owner/name",
  "gcp.project": "pulumi config set gcp:project <project id>",
  "gcp.zone": "pulumi config set gcp:zone <zone, for example us-central1-a>",
  gateway: "pulumi config set --path gateway.path envoy",
  agents: "pulumi config set --path 'agents[0].name' dev-e",
  credential:
    "pulumi config set --path credential.kind apiKey && pulumi config set --secret --path credential.value",
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  kind: ["host", "gateway", "spike"],
  "gateway.path": pathNames,
  "credential.kind": credentialKinds,
  "egress.github.credential.kind": ["app", "token"],
};

function messageOf(issue: Issue): string {
  const key = keyOf(issue.path.map(String));
  if (issue.code === "invalid_union") {
    const { discriminator } = issue as { discriminator?: string };
    if (discriminator === undefined) return issue.message;
    const choice = keyOf(discriminatorPath(issue, issue.path.map(String)));
    return oneOf(choice, CHOICES[choice] ?? []);
  }
  if (issue.code === "invalid_value") return oneOf(key, issue.values.map(String));
  if (issue.code === "invalid_type") {
    if (issue.input === undefined) {
      return `is missing: ${FIRST_STEP[key] ?? `pulumi config set --path '${key}' <value>`}`;
    }
    if (issue.expected === "object" || issue.expected === "array") {
      return `is not an ${issue.expected}: set each value in it by its path: pulumi config set --path ${key}${issue.expected === "array" ? "[0]" : ".<key>"} <value>`;
    }
    return issue.expected === "int" ? "is not a whole number" : `is not a ${issue.expected}`;
  }
  // A name in a map that a user chooses, for example of a header.
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

function oneOf(key: string, choices: readonly string[]): string {
  return `is not one of ${choices.join(", ")}: pulumi config set --path ${key} ${choices.join("|")}`;
}
