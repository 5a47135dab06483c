import type { Encoder } from "./encoder.ts";

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** No content size, no checksum, no dictionary; a window of 128 kB. */
const FRAME_HEADER = Buffer.concat([MAGIC, Buffer.from([0x00, 0x38])]);
const MAXIMUM_BLOCK_BYTES = 128 * 1024;

function rawBlock(bytes: Buffer, last: boolean): Buffer {
  const header = Buffer.alloc(3);
  header.writeUIntLE((bytes.length << 3) | (last ? 1 : 0), 0, 3);
  return Buffer.concat([header, bytes]);
}

/**
 * One zstd frame (RFC 8878) that is written piece by piece. Its blocks contain uncompressed content, which the format
 * allows and every decoder reads. Node's zlib supports zstd only from 22.15 on, and a gateway relays the frame's bytes
 * whether they are compressed or not.
 */
export class ZstdEncoder implements Encoder {
  #begun = false;

  write(bytes: Buffer): Promise<Buffer> {
    const blocks = [this.#begin()];
    for (let at = 0; at < bytes.length; at += MAXIMUM_BLOCK_BYTES) {
      blocks.push(rawBlock(bytes.subarray(at, at + MAXIMUM_BLOCK_BYTES), false));
    }
    return Promise.resolve(Buffer.concat(blocks));
  }

  end(): Promise<Buffer> {
    return Promise.resolve(Buffer.concat([this.#begin(), rawBlock(Buffer.alloc(0), true)]));
  }

  #begin(): Buffer {
    if (this.#begun) return Buffer.alloc(0);
    this.#begun = true;
    return FRAME_HEADER;
  }
}
