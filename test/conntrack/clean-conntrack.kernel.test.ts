import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanConntrack } from '../../src/apply/clean-conntrack.ts';
import { compile } from '../../src/compile.ts';
import { expectUdp, goneFrontends } from '../../src/conntrack/expect-udp.ts';
import { parseFlows } from '../../src/conntrack/stale-flows.ts';
import { documentsOf } from '../../src/phases/1-read/read-documents.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { mustRun } from '../support/must-run.ts';
import { python3 } from '../support/python3.ts';
import { linksOfNode, sendDatagrams } from './datagrams.ts';
import { isConntrackInstalled, type Namespace, openNamespace } from './namespace.ts';
import { conditions, nodeOptions, service, slice, viewOf } from './support.ts';

const state = service('state', {
  type: 'NodePort',
  clusterIP: '10.96.60.1',
  clusterIPs: ['10.96.60.1', 'fd00:10:96::6001'],
  ipFamilies: ['IPv4', 'IPv6'],
  externalIPs: ['198.19.5.1', '2001:db8::19'],
  ports: [{ protocol: 'UDP', port: 4000, nodePort: 30400 }],
});

function endpointsAt(four: string, six: string): unknown[] {
  return [
    slice('state', { [four]: conditions.ready }),
    { ...slice('state', { [six]: conditions.ready }), metadata: sixMetadata },
  ];
}

const sixMetadata = { namespace: 'games', name: 'state-6', labels: { 'kubernetes.io/service-name': 'state' } };
const before = [state, ...endpointsAt('10.244.1.10', 'fd00:10:244:1::10')];

const installed = await isConntrackInstalled();
if (kernelTestsRun && !installed) {
  console.warn('tests of stale UDP flows on the real kernel are skipped: conntrack or nsenter is not installed');
}

/** As kernelTestsRun: where CI is set they run, and fail where they cannot. */
const conntrackRuns = kernelTestsRun && (installed || mustRun());

describe.skipIf(!conntrackRuns)('the connection table of the kernel', () => {
  let namespace: Namespace;

  beforeEach(async () => {
    namespace = await openNamespace();
  });

  afterEach(async () => {
    await namespace.close();
  });

  /** A command of conntrack that adds an entry: destination and answering endpoint address as `address port`. */
  function entry(destination: string, answering: string, client: string, protocol = 'udp', more = ''): string {
    const [address, port] = destination.split(' ');
    const [source, sourcePort] = answering.split(' ');
    const state = protocol === 'tcp' ? '--state ESTABLISHED' : '';
    return `-I -p ${protocol} -t 600 -s ${client} --sport 5000 -d ${address} --dport ${port} -r ${source} --reply-port-src ${sourcePort} -q ${client} --reply-port-dst 5000 ${state} ${more}`;
  }

  async function insert(commands: readonly string[]): Promise<void> {
    await namespace.inside(['conntrack', '--load-file', '-'], commands.join('\n'));
  }

  /** What is there, as `protocol destination port answering port`, sorted. */
  async function entries(family: 'ipv4' | 'ipv6'): Promise<string[]> {
    const found = await Promise.all(
      ['udp', 'tcp'].map(async (protocol) => {
        const { stdout } = await namespace.run('conntrack', ['-L', '-p', protocol, '-f', family]);
        const flows = parseFlows(stdout.replaceAll(/^tcp +6 \d+ [A-Z]+/gm, 'udp 17'));
        return flows.map(
          ({ originalDestination: to, replySource: by }) =>
            `${protocol} ${to.address} ${to.port} ${by.address} ${by.port}`,
        );
      }),
    );
    return found.flat().sort();
  }

  it('loses exactly the stale flows of both families', async () => {
    const gone = [{ address: '198.19.5.9', port: 4000 }, { nodePort: 30409 }];
    const expectations = (['ip', 'ip6'] as const).map((family) => expectUdp(viewOf(before, family), gone, []));
    const kept = [
      ['10.96.60.1 4000', '10.244.1.10 4001'],
      ['192.0.2.11 30400', '10.244.1.10 4001'],
      ['10.96.60.1 4001', '10.244.9.99 4001'],
      ['203.0.113.9 30400', '203.0.113.9 30400'],
      ['10.244.9.99 4001', '10.244.9.99 4001'],
    ] as const;
    const stale = [
      ['10.96.60.1 4000', '10.244.9.99 4001'],
      ['10.96.60.1 4000', '10.244.1.10 4999'],
      ['10.96.60.1 4000', '10.96.60.1 4000'],
      ['198.19.5.1 4000', '10.244.9.99 4001'],
      ['192.0.2.11 30400', '192.0.2.11 30400'],
      ['198.19.5.9 4000', '10.244.1.10 4001'],
      ['192.0.2.11 30409', '10.244.1.10 4001'],
    ] as const;
    const keptSix = [
      ['fd00:10:96::6001 4000', 'fd00:10:244:1::10 4001'],
      ['2001:db8::9 30400', '2001:db8::9 30400'],
    ] as const;
    const staleSix = [
      ['fd00:10:96::6001 4000', 'fd00:10:244:1::99 4001'],
      ['2001:db8::19 4000', '2001:db8::19 4000'],
      ['fd00::11 30400', 'fd00:10:244:1::99 4001'],
    ] as const;
    // A client of its own for each, as the kernel knows a flow by its two endpoint addresses.
    const fours = [...kept, ...stale].map(([to, by], index) => entry(to, by, `10.244.5.${index + 1}`));
    const sixes = [...keptSix, ...staleSix].map(([to, by], index) => entry(to, by, `fd00:10:244:5::${index + 1}`));
    await insert([
      ...fours,
      ...sixes,
      entry('10.96.60.1 4000', '10.244.9.99 4001', '10.244.6.1', 'tcp'),
      entry('fd00:10:96::6001 4000', 'fd00:10:244:1::99 4001', 'fd00:10:244:6::1', 'tcp'),
      entry('10.96.60.1 4000', '10.244.9.99 4001', '10.244.6.2', 'udp', '-u SEEN_REPLY,ASSURED -m 7'),
      entry('10.96.60.1 4000', '10.244.9.99 4001', '10.244.6.2', 'udp', '-w 5'),
    ]);
    expect(await entries('ipv4')).toHaveLength(15);
    expect(await entries('ipv6')).toHaveLength(6);

    expect(await cleanConntrack({ expectations, run: namespace.run })).toEqual({ deleted: 12 });

    expect(await entries('ipv4')).toEqual(
      [...kept.map(([to, by]) => `udp ${to} ${by}`), 'tcp 10.96.60.1 4000 10.244.9.99 4001'].sort(),
    );
    expect(await entries('ipv6')).toEqual(
      [...keptSix.map(([to, by]) => `udp ${to} ${by}`), 'tcp fd00:10:96::6001 4000 fd00:10:244:1::99 4001'].sort(),
    );
    expect(await cleanConntrack({ expectations, run: namespace.run })).toEqual({ deleted: 0 });
  });

  it('loses 500 stale flows in one go', async () => {
    const clients = Array.from({ length: 500 }, (_, index) => `10.244.${5 + (index >> 8)}.${index & 255}`);
    const stale = clients.map((client, index) => entry('10.96.60.1 4000', `10.244.9.${index % 5} 4001`, client));
    await insert([...stale, entry('10.96.60.1 4000', '10.244.1.10 4001', '10.244.8.1')]);
    const expectations = [expectUdp(viewOf(before), [], [])];
    expect(await cleanConntrack({ expectations, run: namespace.run })).toEqual({ deleted: 500 });
    expect(await entries('ipv4')).toEqual(['udp 10.96.60.1 4000 10.244.1.10 4001']);
  });

  it('lets flows be refused that are older than the Service, unanswered and untranslated', async () => {
    await namespace.inside(['ip', '-batch', '-'], linksOfNode);
    // Those of another program: conntrack and NAT work only where some rule asks for them.
    const others = `table inet other {
      chain output {
        type nat hook output priority -100
        ct state new counter
      }
    }`;
    await namespace.inside(['nft', '-f', '-'], others);
    await namespace.inside([python3, '-sEc', sendDatagrams]);
    const untranslated = ['10.96.60.1 4000', '198.19.5.1 4000', '192.0.2.11 30400'].map((to) => `udp ${to} ${to}`);
    const untranslatedSix = ['fd00:10:96::6001 4000', '2001:db8::19 4000', 'fd00::11 30400'].map(
      (to) => `udp ${to} ${to}`,
    );
    expect(await entries('ipv4')).toEqual(untranslated.sort());

    await namespace.inside(['nft', '-f', '-'], compile(documentsOf([state]), nodeOptions).text);
    // NAT chains see the first packet of a flow alone.
    await namespace.inside([python3, '-sEc', sendDatagrams]);
    expect(await entries('ipv4')).toEqual(untranslated.sort());
    expect(await entries('ipv6')).toEqual(untranslatedSix.sort());

    const expectations = (['ip', 'ip6'] as const).map((family) => expectUdp(viewOf([state], family), [], []));
    expect(await cleanConntrack({ expectations, run: namespace.run })).toEqual({ deleted: 6 });

    // What is refused leaves no entry.
    await namespace.inside([python3, '-sEc', sendDatagrams]);
    expect([...(await entries('ipv4')), ...(await entries('ipv6'))]).toEqual([]);
  });

  it('lets a client that never stops sending find the endpoint that is left', async () => {
    const after = [
      { ...state, spec: { ...(state['spec'] as object), externalIPs: [] } },
      ...endpointsAt('10.244.1.20', 'fd00:10:244:1::20'),
    ];
    await namespace.inside(['ip', '-batch', '-'], linksOfNode);
    const [first, second] = [before, after].map((objects) => compile(documentsOf(objects), nodeOptions));
    await namespace.inside(['nft', '-f', '-'], first?.text);
    await namespace.inside([python3, '-sEc', sendDatagrams]);
    await namespace.inside(['nft', '-f', '-'], second?.text);
    await namespace.inside([python3, '-sEc', sendDatagrams]);
    const stuck = [
      'udp 10.96.60.1 4000 10.244.1.10 4001',
      'udp 198.19.5.1 4000 10.244.1.10 4001',
      'udp 192.0.2.11 30400 10.244.1.10 4001',
    ];
    expect(await entries('ipv4')).toEqual(stuck.sort());

    const expectations = (['ip', 'ip6'] as const).map((family, index) => {
      const [old, current] = [first, second].map((result) => result?.rulesets?.[index]);
      return expectUdp(viewOf(after, family), old && current ? goneFrontends(old, current) : [], []);
    });
    expect(await cleanConntrack({ expectations, run: namespace.run })).toEqual({ deleted: 6 });

    await namespace.inside([python3, '-sEc', sendDatagrams]);
    expect(await entries('ipv4')).toEqual(
      [
        'udp 10.96.60.1 4000 10.244.1.20 4001',
        'udp 198.19.5.1 4000 198.19.5.1 4000',
        'udp 192.0.2.11 30400 10.244.1.20 4001',
      ].sort(),
    );
    expect(await entries('ipv6')).toEqual(
      [
        'udp fd00:10:96::6001 4000 fd00:10:244:1::20 4001',
        'udp 2001:db8::19 4000 2001:db8::19 4000',
        'udp fd00::11 30400 fd00:10:244:1::20 4001',
      ].sort(),
    );
  });
});
