import { BadInput } from "../../../../cli/command-line.ts";
import { excerpt } from "../checks/compare.ts";
import { conversation, messagesRequest, newMarker } from "../checks/relay.ts";
import type { RawClient } from "../client/raw-client.ts";

/**
 * Sends one message, to stop early with a clear error if the gateway cannot be measured at all.
 * Throws {@link BadInput}.
 */
export async function preflight(client: RawClient): Promise<void> {
  const { head, body, ended } = await client.send(
    messagesRequest({ body: conversation(newMarker()) }),
    30_000,
  );
  if (head === undefined) {
    throw new BadInput(
      `nothing answers at ${client.baseUrl} (${ended}). Check that the gateway runs and that the address is right`,
    );
  }
  if (head.status === 401 || head.status === 403) {
    throw new BadInput(
      `the gateway at ${client.baseUrl}, or the API behind it, rejects the credential: ${head.status} ${excerpt(body)}`,
    );
  }
  if (head.status >= 500) {
    throw new BadInput(
      `the gateway at ${client.baseUrl} does not reach its upstream: ${head.status} ${excerpt(body)}`,
    );
  }
}
