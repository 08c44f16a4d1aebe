import { readIptables } from '../../src/iptables/read-iptables.ts';
import type { ListedTable } from '../../src/nft/listed-table.ts';
import type { Memory, NodeFacts, Packet, PacketOutcome } from '../../src/walk/fate.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';

/** The text of iptables-save for some rules, by tables: chains of users are declared as they are named. */
export function saved(tables: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(tables)
    .flatMap(([table, rules]) => {
      const chains = new Set(rules.flatMap((rule) => /^-A (\S+)/.exec(rule)?.[1] ?? []));
      const builtIn = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
      const declared = rules.filter((rule) => rule.startsWith(':'));
      const others = [...chains].filter((chain) => !declared.some((line) => line.startsWith(`:${chain} `)));
      return [
        `*${table}`,
        ...declared,
        ...others.map((chain) => `:${chain} ${builtIn.includes(chain) ? 'ACCEPT' : '-'} [0:0]`),
        ...rules.filter((rule) => !rule.startsWith(':')),
        'COMMIT',
      ];
    })
    .map((line) => `${line}\n`)
    .join('');
}

/** A packet from an external client to a cluster IP, unless a test says otherwise. */
const packet: Packet = { source: '203.0.113.9', destination: '10.96.0.10', protocol: 'tcp', port: 80 };

const node: NodeFacts = { localAddresses: ['192.0.2.11', '2001:db8:a::11'] };

/** The ruleset of the family of a packet. */
export function rulesetFor(text: string, { destination }: Packet = packet): ListedTable {
  const family = destination.includes(':') ? 'ip6' : 'ip';
  const table = readIptables(text).find(({ ruleset }) => ruleset.family === family);
  if (!table) {
    throw new Error(`no rules of family ${family}`);
  }
  return table;
}

/** How a packet ends with these rules. */
export function walkSaved(text: string, changes: Partial<Packet> = {}, memory?: Memory): readonly PacketOutcome[] {
  const sent = { ...packet, ...changes };
  return walkPacket(rulesetFor(text, sent).ruleset, sent, node, memory).outcomes;
}

/** Whether a packet meets all matches: `yes`, `no`, or `?` where that is not certain. */
export function matches(
  rule: string,
  changes: Partial<Packet> = {},
  place: { readonly table?: string; readonly chain?: string } = {},
): string {
  const { table = 'raw', chain = 'PREROUTING' } = place;
  const outcomes = walkSaved(saved({ [table]: [`-A ${chain} ${rule} -j DROP`] }), changes);
  const answerOf = (verdict: string): string => (verdict === 'dropped' ? 'yes' : 'no');
  return outcomes.map(({ verdict, isUncertain }) => (isUncertain ? '?' : answerOf(verdict))).join();
}
