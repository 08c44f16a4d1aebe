/**
 * Throws when something is false that only a bug of this program can make false.
 * Wrong input never ends here: it is a diagnostic.
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) {
    throw new Error(`bug in svc2nft: ${message}`);
  }
}
