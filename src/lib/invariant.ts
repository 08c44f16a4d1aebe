/** Throws if a condition is false that only a bug in this program can make false. Wrong input is a diagnostic instead. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) {
    throw new Error(`bug in svc2nft: ${message}`);
  }
}
