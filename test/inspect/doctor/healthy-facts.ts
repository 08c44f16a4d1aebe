import type { ChainFact, Facts } from '../../../src/inspect/doctor/facts.ts';

/** A node on which there is nothing to find. */
export const healthyFacts: Facts = {
  table: 'svc2nft',
  nft: { version: '1.1.3', targetNft: '1.1.3', canOwn: false, kernel: '6.8.0-45-generic' },
  lacksJson: false,
  chains: [],
  unread: [],
  ownTables: [],
  features: { kind: 'probed', missing: [] },
  hasConntrack: true,
  files: {
    release: '6.8.0-45-generic\n',
    process: 'Name:\tnode\nCapEff:\t000001ffffffffff\n',
    userIds: '         0          0 4294967295\n',
    interfaces: [
      'Inter-|   Receive                |  Transmit',
      ' face |bytes    packets errs     |bytes    packets',
      '    lo:       0       0    0       0       0',
      '  eth0: 1234567    8910    0       0       0',
      '',
    ].join('\n'),
    routes: 'Iface\tDestination\tGateway \neth0\t00000000\t010200C0\n',
    forwarding: '1\n',
    forwarding6: '1\n',
    reversePath: '0\n',
    reversePathLater: '2\n',
    routeLocalnet: '0\n',
    localPorts: '32768\t60999\n',
    reservedPorts: '\n',
    flowCount: '12\n',
    flowLimit: '262144\n',
    liberal: '0\n',
  },
  bridges: [],
  services: {},
};

/** The healthy node with other files; undefined takes one away. */
export function withFiles(files: Readonly<Partial<Record<keyof Facts['files'], string | undefined>>>): Facts {
  const all = Object.entries({ ...healthyFacts.files, ...files }).filter(([, text]) => text !== undefined);
  return { ...healthyFacts, files: Object.fromEntries(all) };
}

/** The healthy node with these chains, written as `ip nat PREROUTING`, with type, hook and policy if they have a hook. */
export function withChains(...chains: readonly string[]): Facts {
  return { ...healthyFacts, chains: chains.map(readChain) };
}

/** The healthy node with more interfaces. */
export function withInterfaces(names: readonly string[], files: Facts['files'] = {}): Facts {
  const lines = names.map((name) => `${name}:       0       0    0       0       0\n`).join('');
  return withFiles({ ...files, interfaces: `${healthyFacts.files.interfaces}${lines}` });
}

function readChain(text: string): ChainFact {
  const [family = '', table = '', name = '', type, hook, policy] = text.replace(/^legacy /, '').split(' ');
  return {
    family,
    table,
    name,
    ...(type !== undefined && hook !== undefined && policy !== undefined && { type, hook, policy }),
    ...(text.startsWith('legacy ') && { legacy: true }),
  };
}
