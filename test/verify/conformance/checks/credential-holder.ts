import { type Check, kept, lost, type Outcome } from "./check.ts";
import type { CredentialSearch } from "../../secrets/agent-keys.ts";

/** Whether the API's credential is out of the agent's reach. */
export function judgeHolder(search: CredentialSearch): Outcome {
  const { others, found, characters, foundControl } = search;
  if (found.length > 0) return lost("readable", found.join(", "));
  if (!foundControl) return lost("no-control", "the search did not find the planted key");
  if (others === 0) return lost("agent-holds", "the stack has no key besides the agent's own");
  return kept(`none of the stack's ${others} other keys in ${characters} characters`);
}

/** The table's column "who holds the credential" is the answer of this check. */
export const credentialHolder: Check = {
  id: "configuration.credential-holder",
  title: "No file, environment or argument in an agent's pod contains the API's credential",
  protects:
    "Whoever gets into an agent's pod could take the credential along and use it anywhere, until it is revoked.",
  needs: ["search"],
  async run({ search }) {
    if (search === undefined) throw new Error("this check needs a search of the agent's pod");
    return judgeHolder(await search());
  },
};
