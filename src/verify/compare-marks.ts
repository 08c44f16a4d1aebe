import type { Fate, Packet } from '../walk/fate.ts';
import type { Difference } from './compare-fate.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations } from './expectations.ts';

/**
 * Whether packets that arrive still have the mark that others gave them: the bit that asks for masquerading is taken back
 * where it is honoured, behind routing, which packets to the node itself do not pass. Undefined where nothing is wrong.
 */
export function compareMarks(fate: Fate, packet: Packet, expectations: Expectations): Difference | undefined {
  const { mark = 0, source } = packet;
  const isSent = isNodeAddress(source, expectations);
  for (const { verdict, address, mark: found } of fate.outcomes) {
    const hasArrived = verdict === 'translated' || verdict === 'untouched';
    const isKept = !isSent && isNodeAddress(address, expectations);
    const clean = isKept ? (found & ~expectations.masqueradeMark) >>> 0 : found;
    if (hasArrived && clean !== mark) {
      const after = ` arrive with mark ${markText(found)}, should with ${markText(mark)}`;
      return { code: 'wrong-mark', before: 'connections of ', after };
    }
  }
  return undefined;
}

function markText(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}
