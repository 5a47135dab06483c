/** Encodes a body piece by piece. After each piece a client can read all of it. */
export interface Encoder {
  write(bytes: Buffer): Promise<Buffer>;
  end(): Promise<Buffer>;
}
