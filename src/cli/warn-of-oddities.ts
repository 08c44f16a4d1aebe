import { escapeControls } from '../escape-controls.ts';
import type { Listing } from '../listing/listing.ts';
import type { Streams } from './streams.ts';

/** How many are told. */
const shown = 5;

/** Tells on stderr what rules hold that no compiler makes, so that an answer about them may be wrong. */
export function warnOfOddities(listings: readonly Listing[], { stderr }: Pick<Streams, 'stderr'>): void {
  const messages = listings.flatMap(({ oddities }) => oddities.map(({ message }) => message));
  for (const message of messages.slice(0, shown)) {
    stderr.write(`warning: ${escapeControls(message)}\n`);
  }
  if (messages.length > shown) {
    stderr.write(`warning: ... and ${messages.length - shown} more that svc2nft does not understand\n`);
  }
}
