import { leaks } from "../../../end-to-end/walk/spike-secrets.ts";
import { type Held, KEY_FORM } from "../litellm-search.ts";

/** What was collected of one pod of LiteLLM, and what must not be in it. */
export interface HeldByLiteLlm extends Held {
  readonly log: string;
  /** The real credential, wherever the stack has it as a Secret. Empty if it is known by its form only. */
  readonly real: readonly string[];
  /** The key that LiteLLM has instead: the control, which must be found where LiteLLM has it. */
  readonly placeholder: string;
}

/** What was found in one place. */
export interface Searched {
  /** What must not be there. */
  readonly found: readonly string[];
  /** What shows that the search works, and whether it was found. */
  readonly control: { readonly what: string; readonly found: boolean };
  /** How much was searched. */
  readonly extent: string;
  /** Why the place could not be searched. */
  readonly unreadable?: string;
}

/** A place in LiteLLM's pod that must not have the real credential. */
export interface LiteLlmRow {
  readonly id: string;
  readonly title: string;
  readonly search: (held: HeldByLiteLlm) => Searched;
}

/** The places in LiteLLM's pod. They apply where Envoy holds the credential and LiteLLM is behind it. */
export const litellm: readonly LiteLlmRow[] = [
  {
    id: "litellm.environment",
    title: "the real credential in a variable or an argument of LiteLLM's pod",
    search: ({ environment, ...held }) => ({
      found: keysIn(environment, held),
      control: placeholderIn(environment, held),
      extent: `${environment.length} characters`,
    }),
  },
  {
    id: "litellm.files",
    title: "the real credential in a file that is mounted in LiteLLM's pod",
    search: ({ files, ...held }) => ({
      found: keysIn(files, held),
      control: { what: "the tokens of its callers", found: files.includes('{"envoy":') },
      extent: `${files.length} characters`,
    }),
  },
  {
    id: "litellm.memory",
    title: "the real credential in the memory of LiteLLM's processes",
    search: ({ memory, real }) => ({
      found: [
        ...real.flatMap((_, index) => (memory.found[index + 1] ? ["the real credential"] : [])),
        ...memory.others.map((start) => `a key ${start}`),
      ],
      control: { what: "LiteLLM's placeholder", found: memory.found[0] === true },
      extent: `${Math.round(memory.bytes / 1024 / 1024)} MiB`,
      ...(memory.errors.length > 0 && { unreadable: memory.errors.join(", ") }),
    }),
  },
  {
    id: "litellm.log",
    title: "the real credential in the log of LiteLLM's pod",
    search: ({ log, ...held }) => ({
      found: keysIn(log, held),
      control: { what: "requests", found: /(?:POST|GET) \/\S+ HTTP/.test(log) },
      extent: `${log.length} characters`,
    }),
  },
];

type Known = Pick<HeldByLiteLlm, "real" | "placeholder">;

function keysIn(text: string, { real }: Known): string[] {
  const known = Object.fromEntries(real.map((key, index) => [`real ${index}`, key]));
  const others = (text.match(KEY_FORM) ?? []).filter((key) => !real.includes(key));
  return [
    ...(leaks({ text }, known).length > 0 ? ["the real credential"] : []),
    ...new Set(others.map((key) => `a key ${key.slice(0, 16)}…`)),
  ];
}

function placeholderIn(text: string, { placeholder }: Known) {
  return { what: "LiteLLM's placeholder", found: text.includes(placeholder) };
}
