import { brotliDecompressSync, constants, gunzipSync } from "node:zlib";
import { Decompress } from "fzstd";

/** Encodings of answers that a check can read, as a client offers them. */
export const contentEncodings = ["gzip", "br", "zstd"] as const;

/** An encoding of an answer. */
export type ContentEncoding = (typeof contentEncodings)[number];

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }),
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: unzstd,
};

// Node's own zlib has zstd from 22.15 only.
function unzstd(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  const decoder = new Decompress((piece) => {
    pieces.push(Buffer.from(piece));
  });
  decoder.push(bytes);
  return Buffer.concat(pieces);
}

/**
 * What a client can read of a body that is not complete yet; `undefined` when it is not in the encoding that is
 * announced, or in one that is not known. Without an encoding a body is its own content.
 */
export function decodedSoFar(encoding: string | undefined, bytes: Buffer): Buffer | undefined {
  if (encoding === undefined || encoding === "identity") return bytes;
  if (bytes.length === 0) return bytes;
  try {
    return DECODERS[encoding]?.(bytes);
  } catch {
    return undefined;
  }
}
