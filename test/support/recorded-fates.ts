import { readFileSync } from 'node:fs';
import { explainPacket } from '../../src/inspect/explain/explain-packet.ts';
import { isLoopback, parseAddress } from '../../src/net/address.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import type { Packet as WalkerPacket } from '../../src/walk/fate.ts';
import { indexRuleset } from '../../src/walk/index-ruleset.ts';
import { walkPacket } from '../../src/walk/walk-packet.ts';
import type { Observation } from './lab/observe-attempts.ts';
import { type Packet, parseEndpoint } from './packets.ts';

/*
 * What the kernel did with packets through rules as kube-proxy 1.37.2 wrote them, seen by sending each until every endpoint had
 * shown itself. A file has a paragraph for each destination, `tcp 10.96.0.10:80`, with `keeps its endpoint` where all later
 * connections of a client reached the same endpoint. Each line below names clients, with the interface where their packets
 * arrive (none: the node sends them), and after `>` their fate: the endpoints, with a star for those that see another source
 * than the client's; `rejected` (by an ICMP error, port unreachable, unless it says otherwise), `dropped` or `untouched`.
 */

/** A client's first packet, and its fate as the file has it. */
export interface RecordedFate {
  /** `203.0.113.9 at out0 to 10.96.0.10 80/tcp` */
  readonly name: string;
  readonly packet: WalkerPacket;
  /** Whether a client keeps its endpoint. */
  readonly sticky: boolean;
  readonly fate: string;
}

/** Reads a file of fates. */
export function readRecordedFates(path: string): RecordedFate[] {
  let to: Pick<WalkerPacket, 'destination' | 'port' | 'protocol'> | undefined;
  let sticky = false;
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const [, protocol, endpoint, rest] = /^(tcp|udp|sctp) (\S+)( keeps its endpoint)?$/.exec(line) ?? [];
      if (endpoint !== undefined) {
        const { address, port } = parseEndpoint(endpoint);
        to = { destination: address, port, protocol: protocol as WalkerPacket['protocol'] };
        sticky = rest !== undefined;
        return [];
      }
      const [, clients = '', fate = ''] = /^ {2}(.+) > (.+)$/.exec(line) ?? [];
      return clients.split(' ').map((client) => {
        const packet = packetFrom(client, to, path);
        return { name: nameOf(packet), packet, sticky, fate };
      });
    });
}

function packetFrom(
  client: string,
  to: Pick<WalkerPacket, 'destination' | 'port' | 'protocol'> | undefined,
  path: string,
): WalkerPacket {
  const [address = '', inputInterface] = client.split('@');
  const source = parseAddress(address)?.text;
  if (source === undefined || to === undefined) {
    throw new Error(`${path}: "${client}" is not a client of a destination`);
  }
  return { ...to, source, ...(inputInterface !== undefined && { inputInterface }) };
}

function nameOf({ source, destination, port, protocol, inputInterface }: WalkerPacket): string {
  return `${source}${inputInterface === undefined ? '' : ` at ${inputInterface}`} to ${destination} ${port}/${protocol}`;
}

/** The rules of a node, and its addresses. */
interface NodeRules {
  readonly ruleset: Ruleset;
  readonly localAddresses: readonly string[];
}

/** The fate that `explain` gives the packet, in the words of the files, and whether it is certain. */
export function explainedFate({ packet, sticky }: RecordedFate, node: NodeRules): string {
  const { verdict, rejectedWith, endpoints, masqueraded, notUnderstood } = explainPacket({ packet, ...node });
  const doubt = notUnderstood.length === 0 ? '' : ' (not certain)';
  const loss = !sticky || keepsEndpoint(packet, node) ? '' : ' (another one the next time)';
  switch (verdict) {
    case 'translated':
      return `${listReached(endpoints.map((one) => [one.endpoint, one.masqueraded]))}${doubt}${loss}`;
    case 'rejected':
      return `rejected${rejectedWith === 'tcp-reset' ? ' with tcp-reset' : ''}${doubt}`;
    default:
      return `${verdict}${verdict === 'untouched' ? starOf(masqueraded) : ''}${doubt}`;
  }
}

function keepsEndpoint(packet: WalkerPacket, { ruleset, localAddresses }: NodeRules): boolean {
  const indexed = indexRuleset(ruleset);
  return walkPacket(indexed, packet, { localAddresses }).outcomes.every(({ endpoint, memory }) =>
    walkPacket(indexed, packet, { localAddresses }, memory).outcomes.every((next) => next.endpoint === endpoint),
  );
}

function listReached(endpoints: readonly (readonly [string, boolean | 'mixed'])[]): string {
  return endpoints
    .map(([endpoint, masqueraded]) => `${endpoint}${starOf(masqueraded)}`)
    .sort()
    .join(' ');
}

function starOf(masqueraded: boolean | 'mixed'): string {
  return { true: '*', false: '', mixed: '?' }[String(masqueraded) as 'true' | 'false' | 'mixed'];
}

/** The packet for the laboratory, which serves and waits as the fate lets it expect. */
export function labPacket({ name, packet, sticky, fate }: RecordedFate): Packet {
  const { source: from, destination: address, port, protocol, inputInterface } = packet;
  const endpoints = fate.split(' ').map((endpoint) => endpoint.replace('*', ''));
  const [word] = endpoints;
  const isWord = word === 'rejected' || word === 'dropped' || word === 'untouched';
  return {
    name,
    from,
    to: { address, port, protocol },
    ...(inputInterface !== undefined && { via: inputInterface === 'pod0' ? 'pod0' : 'out0' }),
    expect: isWord ? word : endpoints,
    sticky,
  };
}

/** Whether the laboratory can send the packet: it does not let loopback addresses be reached from outside. */
export function isSeenInLab({ packet }: RecordedFate): boolean {
  return !isLoopback(packet.destination);
}

/**
 * What the laboratory saw of a packet, in the words of the files. It does not see sources of what is untouched, and for a
 * client that keeps its endpoint no other one: such a fate is the recorded one where it may be.
 */
export function observedFate({ fate: recorded, sticky }: RecordedFate, seen: Observation): string {
  const [only = '', ...others] = seen.fates.map((fate) => wordOf(fate, seen));
  const isPartial = sticky && others.length === 0 && recorded.split(' ').includes(only);
  const isUntouched = others.length === 0 && only === 'untouched' && recorded === 'untouched*';
  return isPartial || isUntouched ? recorded : [only, ...others].join(', ');
}

function wordOf(
  fate: Observation['fates'][number],
  { endpoints, masqueraded, preserved, failures }: Observation,
): string {
  switch (fate) {
    case 'endpoint':
      return listReached(
        endpoints.map((one) => [one, masqueraded.includes(one) && (preserved.includes(one) ? 'mixed' : true)]),
      );
    case 'unreachable':
      return 'rejected';
    case 'reset':
      return 'rejected with tcp-reset';
    case 'failed':
      return failures.join();
    default:
      return fate;
  }
}
