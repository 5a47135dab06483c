/** Encodes a body piece by piece; what comes back for a piece lets a client read all of that piece. */
export interface Encoder {
  write(bytes: Buffer): Promise<Buffer>;
  end(): Promise<Buffer>;
}
