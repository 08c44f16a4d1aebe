import type { Ruleset } from '../../src/nft/ruleset.ts';
import { type FateSummary, summarizeFate, type Packet as WalkerPacket } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import type { IndexedRuleset } from '../../src/walk/lookup-tables.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import type { Packet } from './packets.ts';

/** What the walker says of a packet, and of the client's next connection after each way that the first may go. */
export interface WalkedPacket {
  readonly first: FateSummary;
  readonly next: readonly FateSummary[];
}

/** A walker for the packets of one fixture; the rulesets are indexed once. */
export function walkerFor(
  rulesets: readonly Ruleset[],
  nodeAddresses: readonly string[],
): (packet: Packet) => WalkedPacket {
  const byFamily = new Map(
    rulesets.map((ruleset): [string, IndexedRuleset] => [ruleset.family, indexRuleset(ruleset)]),
  );
  return (packet) => {
    const ruleset = byFamily.get(packet.to.address.includes(':') ? 'ip6' : 'ip');
    if (!ruleset) {
      // No table of the family: no rule can touch the packet.
      return { first: { verdict: 'untouched', rejectedWith: undefined, endpoints: [], masqueraded: false }, next: [] };
    }
    const connection = packetOf(packet);
    const node = { localAddresses: nodeAddresses };
    const fate = walkPacket(ruleset, connection, node);
    const next = fate.outcomes.map(({ memory }) => summarizeFate(walkPacket(ruleset, connection, node, memory)));
    return { first: summarizeFate(fate), next };
  };
}

/** The packet in the walker's words, with the interface that it arrives at in the lab. */
export function packetOf({ from, to, via }: Packet): WalkerPacket {
  const inputInterface = via ?? (isPodAddress(from) ? 'pod0' : 'out0');
  return { source: from, destination: to.address, protocol: to.protocol, port: to.port, inputInterface };
}

function isPodAddress(address: string): boolean {
  return address.startsWith('10.') || address.startsWith('fd00:10:244:');
}
