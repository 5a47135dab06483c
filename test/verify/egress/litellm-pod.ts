import { variantNamed } from "../../../components/gateway/paths/index.ts";
import { type ListedPod, living } from "../../../components/kubernetes/living-pods.ts";
import { labelKeys } from "../../../components/kubernetes/labels.ts";
import type { Target } from "../../lab/target.ts";
import type { Surroundings } from "./attempt.ts";
import { type Held, SEARCH, wantedFor } from "./litellm-search.ts";
import type { AttemptResult } from "./report.ts";
import { type HeldByLiteLlm, litellm, type LiteLlmRow } from "./rows/litellm.ts";

/** Searches LiteLLM's pods for the real credential, which only Envoy may have. */
export async function measureLiteLlm(
  { variant, gatewayNamespace }: Pick<Surroundings, "variant" | "gatewayNamespace">,
  target: Target,
): Promise<AttemptResult[]> {
  const { litellm: caller, holder } = variantNamed(variant);
  if (caller === undefined || holder === "litellm") {
    const reason = `path ${variant} has no LiteLLM`;
    const held = `on path ${variant} LiteLLM holds the real credential itself`;
    const evidence = caller === undefined ? reason : held;
    return litellm.map((row) => result(row, { status: "not-applicable", evidence }));
  }
  const pods = await heldByPods(target, gatewayNamespace);
  return litellm.map((row) => result(row, judge(row, pods)));
}

type Judgement = Pick<AttemptResult, "status" | "evidence">;

function result({ id, title }: LiteLlmRow, judgement: Judgement): AttemptResult {
  return { id, title, expected: "blocked", rings: ["gateway"], ...judgement };
}

/** The status of a row, given what each pod holds. */
function judge({ search }: LiteLlmRow, pods: readonly HeldByLiteLlm[]): Judgement {
  const searched = pods.map(search);
  const found = [...new Set(searched.flatMap((each) => each.found))];
  if (found.length > 0) return { status: "fail", evidence: `found ${found.join(", ")}` };
  const unreadable = searched.flatMap((each) => each.unreadable ?? []);
  if (unreadable.length > 0) return { status: "skipped", evidence: unreadable.join(", ") };
  const blind = searched.find(({ control }) => !control.found);
  if (blind !== undefined) {
    return {
      status: "fail",
      evidence: `the search did not find the control (${blind.control.what}), so it proves nothing`,
    };
  }
  const known = pods.every(({ real }) => real.length > 0);
  const [{ control, extent } = { control: { what: "" }, extent: "" }] = searched;
  return {
    status: "pass",
    evidence: `${extent}: neither ${known ? "the real credential" : "a text with the form of a credential"} nor another key, but the control was found (${control.what})`,
  };
}

async function heldByPods(target: Target, namespace: string): Promise<HeldByLiteLlm[]> {
  const list = async <Item>(...what: string[]) =>
    (
      JSON.parse(
        await target.kubectl(["get", ...what, `--namespace=${namespace}`, "--output=json"]),
      ) as { items: Item[] }
    ).items;
  const secrets = await list<{ data?: Record<string, string> }>("secrets");
  const keys = new Set(
    secrets
      .flatMap(({ data }) => Object.values(data ?? {}))
      .flatMap(
        (value) =>
          Buffer.from(value, "base64")
            .toString()
            .match(/sk-ant-[\w-]+/g) ?? [],
      ),
  );
  const placeholder = [...keys].find((key) => key.includes("-placeholder-"));
  if (placeholder === undefined) throw new Error(`no Secret in ${namespace} has a placeholder`);
  const real = [...keys].filter((key) => !key.includes("-placeholder-"));
  const pods = await list<ListedPod & { metadata: { name: string } }>(
    "pods",
    `--selector=${labelKeys.role}=litellm`,
  );
  const names = living(pods).map(({ metadata }) => metadata.name);
  if (names.length === 0) throw new Error(`${namespace} has no pod of LiteLLM`);
  const input = JSON.stringify({ wanted: [placeholder, ...real].map(wantedFor) });
  return Promise.all(
    names.map(async (name) => {
      const place = [`--namespace=${namespace}`, name, "--container=litellm"];
      const read = ["exec", "--stdin", ...place, "--", "python3", "-c", SEARCH];
      const held = JSON.parse(await target.kubectl(read, { input })) as Held;
      const log = await target.kubectl(["logs", ...place, "--tail=-1"]);
      return { ...held, log, real, placeholder };
    }),
  );
}
