import { z } from "zod";
import { variantNames } from "../../../../components/gateway/paths/index.ts";
import { DEFAULT_PROVIDER, providerNames } from "../../../../components/gateway/providers/index.ts";
import { describable, questions } from "./decision.ts";

const status = ["pass", "fail", "known-loss", "by-design", "not-applicable", "skipped"] as const;

const CheckResultJson = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z-]+\.[a-z0-9-]+$/)
    .describe("`theme.name`. It never changes."),
  title: z.string(),
  status: z.enum(status),
  expected: z
    .enum(status)
    .exclude(["fail"])
    .describe(
      "The status that the reviewed table names. Another `status` than this one is a finding.",
    ),
  evidence: z.string().describe("What was seen. Of a loss, its kind comes first, in brackets."),
  reason: z.string().optional().describe("Why another status than `pass` is expected."),
  unmet: z
    .array(
      z.enum([
        "upstream",
        "claude",
        "configuration",
        "search",
        "requestLog",
        "spender",
        "long",
        "budget",
      ]),
    )
    .optional()
    .describe(
      "What the target lacks, if the check was skipped; `budget` if `--budget` does not cover it.",
    ),
});

const path = z.enum([...variantNames, "external"]);
const verdict = z
  .enum(["as-expected", "differs"])
  .describe("`as-expected` if every check has the expected status.");

/** The JSON report on one gateway. */
export const ReportJson = z.strictObject({
  stack: z.string(),
  path: path.describe("The variant of the path; `external` for another gateway."),
  provider: z
    .enum(providerNames.filter((name) => name !== DEFAULT_PROVIDER))
    .optional()
    .describe("Whose API agents use, if it is not Anthropic's."),
  versions: z.record(z.string(), z.string()).describe("Version of each part."),
  baseUrl: z.string(),
  measuredAt: z.iso.datetime().describe("When the measurement began."),
  view: z
    .enum(["both-sides", "client"])
    .describe(
      "Whether what the API received and sent was compared too, or only the client's side was seen.",
    ),
  checks: z.array(CheckResultJson).min(1),
  verdict,
});

const count = z.int().min(0);

/** The answers of a decision, by letter of the question. */
const answers = z.strictObject(
  Object.fromEntries(
    questions.map(({ letter }) => [
      letter,
      z.strictObject({
        kept: count,
        changed: count,
        lost: count,
        failed: count,
        measured: count,
        open: count,
      }),
    ]),
  ),
);

/** The JSON report on several paths. */
export const ComparisonJson = z.strictObject({
  paths: z.array(ReportJson).min(2),
  decisions: z.array(
    z.strictObject({
      path,
      answers,
      unblocksAc5: z.string(),
      costCeiling: z.string(),
      credentialHolder: z.string(),
      portability: z.string(),
      observability: z.string(),
      risk: z.string(),
      descriptions: z
        .array(z.enum(describable))
        .describe("Which of these texts are descriptions of the path, and not measured."),
    }),
  ),
  recommendation: z.strictObject({
    path: path.optional(),
    because: z.string(),
    others: z.array(z.strictObject({ path, because: z.string() })),
  }),
  verdict,
});

/** Text of `report.schema.json`: what `npm run verify -- --json` writes. */
export function renderReportSchema(): string {
  const schema = z.toJSONSchema(z.union([ReportJson, ComparisonJson]), { target: "draft-7" });
  return `${JSON.stringify({ title: "Report of npm run verify", ...schema }, null, 2)}\n`;
}
