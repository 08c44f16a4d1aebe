import { describe, expect, test } from 'vitest';
import { isLoopback } from '../../../src/net/address.ts';
import { filesOf, recordedTables } from '../../support/kube-proxy-table.ts';
import { type RecordedFate, readRecordedFates } from '../../support/recorded-fates.ts';
import { predictedWords, type RecordedSides, recordedSides } from './compare.ts';

describe.each(recordedTables)('%s: what is predicted of every packet is what the kernel did with it', (name) => {
  const { iptables, nftables } = recordedSides(name);
  const { fates } = filesOf(name);

  test('in iptables mode', () => {
    const recorded = readRecordedFates(fates.iptables);
    expect(findMisses(recorded, iptables.predicted)).toEqual([]);
    expect(recorded.length).toBeGreaterThan(150);
  });

  test('in nftables mode, without rules of others', () => {
    const recorded = readRecordedFates(fates.nftables);
    // No process served loopback addresses there.
    const isUnserved = ({ packet, fate }: RecordedFate): boolean =>
      fate === 'untouched' && isLoopback(packet.destination);
    const seen = recorded.filter((one) => !isUnserved(one));
    expect(findMisses(seen, nftables.alone)).toEqual([]);
    expect(seen.length).toBeGreaterThan(100);
  });
});

/** Packets that the kernel treated in another way; of Services that claim one frontend, any may have it. */
function findMisses(recorded: readonly RecordedFate[], sides: RecordedSides['found']): string[] {
  return recorded.flatMap(({ name, packet, fate }) => {
    const predicted = predictedWords(packet, sides);
    return predicted.includes(fate) ? [] : [`${name}: ${predicted.join(' or ')}, but ${fate}`];
  });
}
