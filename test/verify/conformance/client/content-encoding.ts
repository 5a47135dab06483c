import { brotliDecompressSync, constants, gunzipSync } from "node:zlib";
import { Decompress } from "fzstd";

/** Content encodings that a client can offer and a check can decode. */
export const contentEncodings = ["gzip", "br", "zstd"] as const;

/** An encoding of an answer. */
export type ContentEncoding = (typeof contentEncodings)[number];

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }),
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: unzstd,
};

// Node's zlib supports zstd only from 22.15 on.
function unzstd(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  const decoder = new Decompress((piece) => {
    pieces.push(Buffer.from(piece));
  });
  decoder.push(bytes);
  return Buffer.concat(pieces);
}

/**
 * What a client can read so far of an incomplete body; `undefined` if the body is not in the announced encoding, or if
 * the encoding is unknown. A body without an encoding is returned unchanged.
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
