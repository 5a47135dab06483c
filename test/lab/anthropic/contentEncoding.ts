import { promisify } from "node:util";
import {
  constants,
  createBrotliCompress,
  createGzip,
  type BrotliCompress,
  type Gzip,
} from "node:zlib";

import { headerList } from "./credentials.ts";
import type { Encoder } from "./encoder.ts";
import { ZstdEncoder } from "./zstd.ts";

/** Content encodings of answers. If a client accepts several equally, the first one is used. */
const ENCODINGS = ["gzip", "br", "zstd"] as const;

/** The content encoding of an answer. */
export type ContentEncoding = (typeof ENCODINGS)[number];

/** The encoding for an `accept-encoding` header; `undefined` for no encoding, also if the header is missing. */
export function negotiated(
  acceptEncoding: string | string[] | undefined,
): ContentEncoding | undefined {
  const weights = new Map(
    headerList(acceptEncoding).map((entry) => {
      const [name = "", ...parameters] = entry.toLowerCase().split(/\s*;\s*/);
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return [name, weight === undefined ? 1 : Number(weight.slice(2))];
    }),
  );
  const weightOf = (name: string) => weights.get(name) ?? weights.get("*") ?? 0;
  const [best] = [...ENCODINGS].sort((one, other) => weightOf(other) - weightOf(one));
  return best !== undefined && weightOf(best) > 0 ? best : undefined;
}

/** A new encoder. */
export function encoder(encoding: ContentEncoding): Encoder {
  switch (encoding) {
    case "gzip":
      return new ZlibEncoder(createGzip(), constants.Z_SYNC_FLUSH);
    case "br":
      return new ZlibEncoder(createBrotliCompress(BROTLI), constants.BROTLI_OPERATION_FLUSH);
    case "zstd":
      return new ZstdEncoder();
  }
}

// The default quality is for files that are compressed once; it needs a second for a megabyte.
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

class ZlibEncoder implements Encoder {
  readonly #stream: Gzip | BrotliCompress;
  readonly #flushKind: number;
  #pieces: Buffer[] = [];

  constructor(stream: Gzip | BrotliCompress, flushKind: number) {
    this.#stream = stream;
    this.#flushKind = flushKind;
    stream.on("data", (piece: Buffer) => this.#pieces.push(piece));
  }

  async write(bytes: Buffer): Promise<Buffer> {
    this.#stream.write(bytes);
    await promisify((kind: number, done: () => void) => {
      this.#stream.flush(kind, done);
    })(this.#flushKind);
    return this.#taken();
  }

  async end(): Promise<Buffer> {
    await new Promise<void>((resolve) => {
      this.#stream.once("end", resolve).end();
    });
    return this.#taken();
  }

  #taken(): Buffer {
    return Buffer.concat(this.#pieces.splice(0));
  }
}
