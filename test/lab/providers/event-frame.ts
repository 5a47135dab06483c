import { crc32 } from "node:zlib";

const UINT32 = 4;
/** The type of a header whose value is a string. */
const STRING = 7;

/**
 * A frame of `application/vnd.amazon.eventstream`: lengths, their checksum, headers, payload, and a checksum of everything.
 * https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
 */
export function eventFrame(headers: Readonly<Record<string, string>>, payload: Buffer): Buffer {
  const encoded = Buffer.concat(
    Object.entries(headers).map(([name, value]) => header(name, value)),
  );
  const prelude = Buffer.alloc(2 * UINT32);
  prelude.writeUInt32BE(4 * UINT32 + encoded.length + payload.length, 0);
  prelude.writeUInt32BE(encoded.length, UINT32);
  const checked = Buffer.concat([prelude, checksum(prelude), encoded, payload]);
  return Buffer.concat([checked, checksum(checked)]);
}

function header(name: string, value: string): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([STRING]),
    size,
    Buffer.from(value),
  ]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(UINT32);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}
