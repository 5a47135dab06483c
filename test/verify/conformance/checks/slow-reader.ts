import { type Check, kept, lost } from "./check.ts";
import { quoted } from "./compare.ts";
import { conversation, messagesRequest, newMarker, openScripted, upstreamOf } from "./relay.ts";

const FRAMES = 96;
const FRAME = `: ${"x".repeat(64 * 1024)}\n\n`;
const BYTES = FRAMES * FRAME.length;
const PAUSE_MS = 4000;
const OTHERS = 4;

/** A client that stops reading for a while, with more to come than the connections on the way can hold. */
export const slowReader: Check = {
  id: "streaming.slow-reader",
  title:
    "A client that stops reading for some seconds still gets the whole stream, and others are served",
  protects:
    "A busy machine reads late. A gateway that does not wait cuts the stream or drops bytes; one that waits with everything stops the other agents.",
  needs: ["upstream"],
  slow: true,
  async run(context) {
    const marker = newMarker();
    const { exchange } = await openScripted(context, marker, {
      kind: "frames",
      frames: Array.from({ length: FRAMES }, (_, index) => ({
        text: FRAME,
        ...(index === 1 && { gate: marker }),
      })),
    });
    if (!(await exchange.received(1, context.patienceMs)))
      return lost("no-stream", "the stream did not begin");
    exchange.pause();
    const answered: string[] = [];
    for (let other = 0; other < OTHERS; other++) {
      const { head } = await context.client.send(
        messagesRequest({ body: conversation(newMarker()) }),
      );
      answered.push(String(head?.status ?? "no answer"));
      // The client has done what was commanded before the first of these requests, so it no longer reads the stream.
      if (other === 0) await upstreamOf(context).openGate(marker);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS / OTHERS));
    }
    exchange.resume();
    const { body, ended } = await exchange.response;
    if (answered.some((status) => status !== "200"))
      return lost("others-held", `other requests meanwhile: ${answered.join(", ")}`);
    const seen = `${body.length} of ${BYTES} bytes`;
    if (ended !== "end") return lost("cut", `the stream ended with ${quoted(ended)} after ${seen}`);
    return body.equals(Buffer.from(FRAME.repeat(FRAMES)))
      ? kept(
          `${seen} after a pause of ${PAUSE_MS / 1000} s; ${OTHERS} others were answered meanwhile`,
        )
      : lost("changed", `${seen} arrived, not as sent`);
  },
};
