import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** So much goes through a pipe in one piece. In bytes. */
const onePiece = 65_536;

/** An input that a program gets whole, whatever happens to this one. */
export interface WholeInput {
  /** A file descriptor for its stdin, or undefined for a short text, which one write hands over. */
  readonly descriptor: number | undefined;
  close(): void;
}

/**
 * Puts an input where a program can read it to its end by itself. Whoever is killed while it writes a long text into a
 * pipe leaves a beginning behind, and the beginning of a transaction may be one that nft carries out. The file has no
 * name any more when the program starts, so that none is left behind either.
 *
 * Where no file can be written, as in a container without a writable folder, the pipe has to do.
 */
export function wholeInput(text: string): WholeInput {
  const bytes = Buffer.from(text);
  const descriptor = bytes.length > onePiece ? writeNameless(bytes) : undefined;
  return { descriptor, close: () => (descriptor === undefined ? undefined : closeSync(descriptor)) };
}

function writeNameless(bytes: Uint8Array): number | undefined {
  const path = join(tmpdir(), `svc2nft-${randomBytes(8).toString('hex')}`);
  let descriptor: number | undefined;
  try {
    // Exclusive: nobody may have put a link there.
    descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    // With positions, for the program reads from where the descriptor stands: the start.
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(descriptor, bytes, written, bytes.length - written, written);
    }
    return descriptor;
  } catch {
    if (descriptor !== undefined) {
      closeSync(descriptor);
    }
    return undefined;
  }
}
