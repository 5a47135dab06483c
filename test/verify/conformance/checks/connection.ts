import { type Check, kept, lost } from "./check.ts";
import { conversation, messagesRequest, newMarker, upstreamOf } from "./relay.ts";

const pooledReset: Check = {
  id: "connection.pooled-reset",
  title: "A connection that the API has reset does not make a request fail",
  protects:
    "The API's edge closes and resets idle connections. A gateway that does not notice this answers an agent's next request with an error.",
  needs: ["upstream"],
  // A reset would also break a request of another check that is using the connection.
  alone: true,
  async run(context) {
    const answered: string[] = [];
    let reset = 0;
    for (let round = 0; round < 4; round++) {
      const body = conversation(newMarker());
      const { head } = await context.client.send(messagesRequest({ body }));
      answered.push(String(head?.status ?? "no answer"));
      reset += await upstreamOf(context).resetIdleConnections();
    }
    const seen = `${reset} idle connections were reset, the requests in between were answered ${answered.join(", ")}`;
    return answered.every((status) => status === "200") ? kept(seen) : lost("failed", seen);
  },
};

export const connection: readonly Check[] = [pooledReset];
