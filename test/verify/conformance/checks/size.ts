import { createHash } from "node:crypto";
import { type Check, kept, lost } from "./check.ts";
import { excerpt, judgeAnswer, quoted } from "./compare.ts";
import {
  conversation,
  headerOf,
  lastRecord,
  newMarker,
  relay,
  requestOf,
  seenUpstream,
  upstreamOf,
} from "./relay.ts";

const MEGABYTE = 1024 * 1024;
/** The API's limit on the size of a request. */
const LIMIT_BYTES = 32 * MEGABYTE;

/** A request of exactly that many bytes, most of them one letter. The client builds it, so it is not sent to the client. */
function padded(marker: string, bytes: number) {
  const [before = "", after = ""] = conversation(marker, { text: "HERE" }).split("HERE");
  const length = bytes - before.length - after.length;
  const pieces = [{ text: before }, { fill: "x", length }, { text: after }];
  return { pieces, text: () => before + "x".repeat(length) + after };
}

function upload(name: string, title: string, bytes: number): Check {
  return {
    id: `size.${name}`,
    title,
    protects:
      "Screenshots and documents make requests of up to the API's 32 MB. A lower limit in the gateway ends such a session for good.",
    needs: ["upstream"],
    async run(context) {
      const marker = newMarker();
      const upstream = upstreamOf(context);
      await upstream.push({
        match: { bodyContains: marker },
        times: null,
        action: {
          kind: "raw",
          status: 200,
          headers: [["Content-Type", "application/json"]],
          body: { text: "{}" },
        },
      });
      const since = await lastRecord(upstream);
      const { pieces, text } = padded(marker, bytes);
      const { head, body, ended } = await context.client.send(requestOf({}, pieces, bytes));
      const { record, requestBody } = await seenUpstream(upstream, since, marker);
      const seen = `${head?.status ?? quoted(ended)} ${excerpt(body)}`;
      if (record === undefined || head?.status !== 200) return lost("refused", seen);
      // A path that rewrites JSON may change whitespace, but must not change the text.
      const sent = (JSON.parse(text()) as { text: string }).text;
      const received = (JSON.parse(requestBody.toString()) as { text?: string }).text ?? "";
      return digest(sent) === digest(received)
        ? kept(`${bytes} bytes went up, ${requestBody.length} arrived with the same text`)
        : lost("changed", `${received.length} of ${sent.length} letters arrived`);
    },
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

const over: Check = {
  id: "size.over-limit",
  title: "A request over 32 MB is refused with a 413",
  protects:
    "Claude Code compacts the conversation after a 413. After any other answer the turn ends, or the request is retried again and again.",
  needs: ["upstream"],
  async run({ client }) {
    const bytes = LIMIT_BYTES + 1;
    const { head, body, ended } = await client.send(
      requestOf({}, padded(newMarker(), bytes).pieces, bytes),
    );
    const seen =
      head === undefined
        ? `the connection ended with ${quoted(ended)}`
        : `${head.status} ${excerpt(body)}`;
    if (head?.status !== 413) return lost("other-answer", seen);
    return body.includes("request_too_large") ? kept(seen) : lost("other-shape", seen);
  },
};

const largeHeader: Check = {
  id: "size.header",
  title: "A header of 16 kB arrives",
  protects: "Lists of betas and custom headers get longer.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const value = Array.from({ length: 500 }, (_, index) => `beta-number-${index}-2099-01-01`).join(
      ",",
    );
    const { record, response } = await relay(context, marker, {
      body: conversation(marker),
      headers: [["anthropic-beta", value]],
    });
    if (record === undefined)
      return lost("refused", `${response.head?.status ?? "no answer"} ${excerpt(response.body)}`);
    return headerOf(record.headers, "anthropic-beta") === value
      ? kept(`${value.length} bytes of anthropic-beta arrived as sent`)
      : lost("changed", "anthropic-beta arrived changed");
  },
};

const answers: Check = {
  id: "size.answer",
  title: "An answer of 8 MB arrives complete",
  protects: "Long answers must not fail because of a full buffer.",
  needs: ["upstream"],
  async run(context) {
    const marker = newMarker();
    const text = JSON.stringify({ text: "y".repeat(8 * MEGABYTE) });
    return judgeAnswer(
      await relay(
        context,
        marker,
        { body: conversation(marker) },
        {
          kind: "raw",
          status: 200,
          headers: [["Content-Type", "application/json"]],
          body: { text },
        },
      ),
    );
  },
};

export const size: readonly Check[] = [
  upload("1-mb", "A request of 1 MB arrives complete", MEGABYTE),
  upload("31-mb", "A request of 31 MB arrives complete", 31 * MEGABYTE),
  upload("32-mb", "A request of exactly 32 MB, the API's limit, arrives complete", LIMIT_BYTES),
  over,
  largeHeader,
  answers,
];
