import { compareNames } from '../../lib/text.ts';
import type { Expectations } from '../verify/expectations.ts';
import type { ProxyKind } from '../verify/proxy-model.ts';
import type { SidePair } from './compare-sides.ts';
import type { MigrationNote } from './migration.ts';

/** What two proxies do otherwise that no first packet of a connection shows. */
interface NoteRule {
  readonly code: MigrationNote['code'];
  /** Undefined where the pair does not differ in it. */
  readonly find: (pair: SidePair) => Pick<MigrationNote, 'message' | 'advice'> | undefined;
  /** The Services that it concerns: without any, there is no note. */
  readonly services: (pair: SidePair) => readonly string[];
}

/** The differences between two proxies that concern the Services of a cluster, once for both families. */
export function listNotes(pairs: readonly SidePair[]): MigrationNote[] {
  return noteRules.flatMap(({ code, find, services }) => {
    const found = pairs.flatMap((pair) => {
      const note = find(pair);
      const concerned = note ? services(pair) : [];
      return note && concerned.length > 0 ? [{ note, concerned }] : [];
    });
    const [first] = found;
    const names = new Set(found.flatMap(({ concerned }) => concerned));
    return first ? [{ code, ...first.note, services: [...names].sort(compareNames) }] : [];
  });
}

function usesIptables(proxy: ProxyKind | null): boolean {
  return proxy === 'kube-proxy-iptables' || proxy === 'svc2nft-iptables';
}

/** Whether the pair leaves rules for iptables, comes to them, or neither. */
function turnOf({ from, to }: SidePair): 'leaves' | 'comes' | undefined {
  const [before, after] = [from, to].map(({ proxy }) => usesIptables(proxy));
  if (before === after || from.proxy === null || to.proxy === null) {
    return undefined;
  }
  return before ? 'leaves' : 'comes';
}

const noteRules: readonly NoteRule[] = [
  {
    code: 'health-check-policy',
    find: (pair) =>
      byTurn(pair, {
        leaves: {
          message: 'health check node ports are no longer accepted by a rule of their own',
          advice: pair.to.hasOtherRules
            ? 'if rules of nft drop what they do not know (firewalld), accept these TCP ports there before; those of iptables are part of the comparison'
            : 'if the firewall of the nodes drops what it does not know (policy DROP of INPUT, firewalld), accept these TCP ports there before',
        },
        comes: { message: 'health check node ports are accepted by a rule of their own', advice: null },
      }),
    services: ({ healthChecks }) => healthChecks.map(({ service }) => service),
  },
  {
    code: 'forward-policy',
    find: (pair) =>
      byTurn(pair, {
        leaves: {
          message: 'forwarded connections to Services are no longer accepted ahead of the rules of others',
          advice: pair.to.hasOtherRules
            ? 'if rules of nft drop it (firewalld), accept the traffic of Pods there before; those of iptables are part of the comparison'
            : 'if the policy of FORWARD is DROP, or rules of others drop (Docker, firewalld), accept the traffic of Pods there before',
        },
        comes: {
          message: 'masqueraded connections to Services are accepted in FORWARD, ahead of the rules of others',
          advice: null,
        },
      }),
    services: ({ to }) => allServices(to.expectations),
  },
  {
    code: 'invalid-packets',
    find: (pair) =>
      byTurn(pair, {
        leaves: {
          message:
            'packets that fit no connection are no longer dropped in FORWARD, so that late ones may reset a connection',
          advice: 'if connections through the node are reset, set conntrack.tcpBeLiberal to true',
        },
        comes: { message: 'packets that fit no connection are dropped in FORWARD', advice: null },
      }),
    services: ({ to }) => allServices(to.expectations),
  },
  {
    code: 'contested-frontends',
    find: ({ from, to }) =>
      from.proxy !== to.proxy && isOfKubeProxy(from) + isOfKubeProxy(to) > 0
        ? {
            message: 'another one of several Services that claim one address and port, or node port, may get it',
            advice: 'give each Service an address or node port of its own',
          }
        : undefined,
    services: ({ to }) => contestants(to.expectations),
  },
  {
    code: 'affinity-clients',
    find: (pair) =>
      byTurn(pair, {
        leaves: {
          message: 'affinity no longer ends for the oldest of more than 100 clients of an endpoint',
          advice: null,
        },
        comes: {
          message: 'affinity is kept for 100 clients of an endpoint, and then ends for the oldest of them',
          advice: 'load the module xt_recent with a larger ip_list_tot',
        },
      }),
    services: ({ to }) => withAffinity(to.expectations),
  },
  {
    code: 'affinity-scope',
    find: ({ from, to }) => {
      const [before, after] = [from, to].map(({ proxy }) => proxy === 'svc2nft');
      if (before === after || from.proxy === null || to.proxy === null) {
        return undefined;
      }
      return after
        ? {
            message:
              'a client keeps its endpoint for each address and port of a Service by itself, no longer over all of them',
            advice: null,
          }
        : { message: 'a client keeps its endpoint over all addresses and node ports of a service port', advice: null };
    },
    services: ({ to }) => withAffinity(to.expectations),
  },
  {
    code: 'affinity-restarts',
    find: ({ from, to }) =>
      from.proxy === to.proxy
        ? undefined
        : { message: 'clients with affinity may get another endpoint at the switch, once', advice: null },
    services: ({ to }) => withAffinity(to.expectations),
  },
  {
    code: 'mark-bit',
    find: ({ from, to }) => {
      const [before, after] = [from, to].map(({ expectations }) => Math.log2(expectations.masqueradeMark));
      return before === after
        ? undefined
        : {
            message: `packets to be masqueraded carry bit ${after} of the packet mark, and no longer bit ${before}`,
            advice: `rules of others must leave bit ${after} alone; or set masqueradeBit to ${before}`,
          };
    },
    services: ({ to }) => allServices(to.expectations),
  },
  {
    code: 'route-localnet',
    find: ({ from, to }) =>
      usesIptables(from.proxy) && !usesIptables(to.proxy) && to.expectations.family === 'ip'
        ? {
            message: 'route_localnet, which is 1 for node ports at 127.0.0.1, stays so until the node restarts',
            advice: 'set net.ipv4.conf.all.route_localnet to 0 once no other program needs it',
          }
        : undefined,
    services: ({ to }) => [...to.expectations.nodePorts.values()].map(({ service }) => nameOf(service)),
  },
];

type NoteText = Pick<MigrationNote, 'message' | 'advice'>;

function byTurn(pair: SidePair, texts: Readonly<Record<'leaves' | 'comes', NoteText>>): NoteText | undefined {
  const turn = turnOf(pair);
  return turn && texts[turn];
}

function nameOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** 1 for a mode of kube-proxy, which gives a contested frontend to any claimant; else 0. */
function isOfKubeProxy({ proxy }: SidePair['from']): number {
  return Number(proxy?.startsWith('kube-proxy-') ?? false);
}

function contestants({ ips, nodePorts, contested }: Expectations): string[] {
  return [...contested].flatMap(([key, losers]) =>
    [...losers, ips.get(key) ?? nodePorts.get(key)].flatMap((one) => (one ? [nameOf(one.service)] : [])),
  );
}

function allServices({ ips }: Expectations): string[] {
  return [...ips.values()].map(({ service }) => nameOf(service));
}

function withAffinity({ siblings }: Expectations): string[] {
  return [...siblings.keys()];
}
