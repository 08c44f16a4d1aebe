import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/inspect/doctor/facts.ts';
import { gatherFacts } from '../../../src/inspect/doctor/gather-facts.ts';
import type { RunProgram } from '../../../src/kernel/run-program.ts';
import { type Answer, answering, createFakeNft, type FakeNft, says } from '../../support/fake-nft.ts';

const versions: readonly Answer[] = [
  answering('nft --version', { stdout: 'nftables v1.1.3 (Commodore Bullmoose #4)\n' }),
  answering('uname -r', { stdout: '6.8.0\n' }),
];

const listing = {
  nftables: [
    { metainfo: { version: '1.1.3' } },
    { chain: { family: 'ip', table: 'nat', name: 'KUBE-SERVICES', handle: 1 } },
    {
      chain: {
        family: 'ip',
        table: 'svc2nft',
        name: 'nat-output',
        type: 'nat',
        hook: 'output',
        prio: -100,
        policy: 'accept',
      },
    },
    { chain: 'odd' },
    { chain: { family: 'ip', table: 'odd' } },
    { chain: { family: 'ip', name: 'odd' } },
    { chain: { table: 'odd', name: 'odd' } },
    { table: { family: 'ip', name: 'svc2nft' } },
  ],
};

const chains: Answer = answering('nft -j list chains', { stdout: JSON.stringify(listing) });

/** What is gathered on a machine where programs answer so and these files are there. */
async function gather(
  answers: readonly Answer[],
  files: Readonly<Record<string, string>> = {},
): Promise<{ facts: Facts; nft: FakeNft }> {
  const nft = createFakeNft(...answers, ...versions);
  const readText = async (path: string): Promise<string | undefined> => files[path];
  return { facts: await gatherFacts({ run: nft.run, readText }, 'svc2nft'), nft };
}

test('chains are read from nft, with the hooks of base chains', async () => {
  const { facts } = await gather([chains]);
  expect(facts.nft).toMatchObject({ version: '1.1.3', targetNft: '1.1.3' });
  expect(facts.chains).toEqual([
    { family: 'ip', table: 'nat', name: 'KUBE-SERVICES' },
    {
      family: 'ip',
      table: 'svc2nft',
      name: 'nat-output',
      type: 'nat',
      hook: 'output',
      priority: -100,
      policy: 'accept',
    },
  ]);
});

test('it lists no table but its own, and loads nothing outside of a namespace', async () => {
  const { nft } = await gather([chains]);
  const commands = nft.calls.map(({ command }) => command);
  expect(commands).toEqual([
    'nft --version',
    'uname -r',
    'nft -j list chains',
    'nft -t list table ip svc2nft',
    'unshare -n nft --version',
    'unshare -n nft -f -',
    'unshare -n nft -f -',
    'conntrack --version',
  ]);
});

test('no program may take longer than twenty seconds', async () => {
  const nft = createFakeNft(chains, ...versions);
  const limits = new Set<number | undefined>();
  const run: RunProgram = (program, args, input, options) => {
    limits.add(options?.longest);
    return nft.run(program, args, input);
  };
  await gatherFacts({ run, readText: async () => 'nat\nfilter\n' }, 'svc2nft');
  expect([...limits]).toEqual([20_000]);
});

describe('the head of the table', () => {
  const head = '\tflags dormant,owner\n\tcomment "some text"\n';
  test.each([
    ['a table of nft 1.0.6', `table ip svc2nft {\n${head}\n\tset s {\n\t\tcomment "other"\n\t}\n}\n`],
    ['an empty table', `table ip svc2nft {\n${head}}\n`],
    ['a table with a handle', `table ip svc2nft { # handle 1\n${head}\n}\n`],
  ])('%s', async (_, stdout) => {
    const { facts } = await gather([chains, answering('nft -t list table ip svc2nft', { stdout })]);
    expect(facts.ownTables).toEqual([{ family: 'ip', comment: 'some text', flags: ['dormant', 'owner'] }]);
  });

  test('no comment and no flags; those of a set do not count', async () => {
    const stdout = 'table ip svc2nft {\n\tset s {\n\t\tflags interval\n\t\tcomment "other"\n\t}\n}\n';
    const { facts } = await gather([chains, answering('nft -t list table ip svc2nft', { stdout })]);
    expect(facts.ownTables).toEqual([{ family: 'ip', comment: undefined, flags: [] }]);
  });

  test.each([
    ['interrupted', says.killed],
    ['unreadable', { exitCode: undefined, signal: 'SIGSEGV' }],
    ['timed-out', { exitCode: undefined, signal: 'SIGTERM', timedOut: 60_000 }],
  ])('the reason if it cannot be read: %s', async (kind, result) => {
    const { facts } = await gather([chains, answering('nft -t list table ip svc2nft', result)]);
    expect(facts.ownTables).toMatchObject([{ family: 'ip', comment: undefined, flags: [], error: { kind } }]);
  });
});

test('a table that is deleted meanwhile is none', async () => {
  const gone = {
    exitCode: 1,
    stderr: 'Error: No such file or directory\nlist table ip svc2nft\n              ^^^^^^^\n',
  };
  const { facts } = await gather([chains, answering('nft -t list table ip svc2nft', gone)]);
  expect(facts.ownTables).toEqual([]);
});

describe('chains that cannot be listed', () => {
  test.each([
    ['permission', says.notPermitted, { kind: 'no-permission' }, false],
    ['no nft', says.missing, { kind: 'not-found' }, false],
    ['no JSON', { exitCode: 1, stderr: 'Error: JSON support not compiled-in\n' }, { kind: 'syntax' }, true],
    ['half of the JSON', { stdout: '{"nftables": [' }, { kind: 'refused', said: ['nft printed no JSON'] }, false],
    ['other JSON', { stdout: '[]' }, { kind: 'refused', said: ['nft printed no JSON'] }, false],
    ['a hanging nft', { exitCode: undefined, signal: 'SIGTERM' }, { kind: 'interrupted' }, false],
  ])('%s', async (_, result, expected, lacksJson) => {
    const { facts } = await gather([answering('nft -j list chains', result)]);
    expect(facts.chains).toMatchObject(expected);
    expect(facts.lacksJson).toBe(lacksJson);
    expect(facts.ownTables).toEqual([]);
  });
});

describe('legacy iptables', () => {
  const saved = {
    stdout: [
      '# Generated by iptables-save',
      '*nat',
      ':PREROUTING ACCEPT [0:0]',
      ':KUBE-SERVICES - [0:0]',
      '-A PREROUTING -j KUBE-SERVICES',
      'COMMIT',
    ].join('\n'),
  };
  const found = [
    { family: 'ip', table: 'nat', name: 'PREROUTING', type: 'nat', hook: 'prerouting', policy: 'accept', legacy: true },
    { family: 'ip', table: 'nat', name: 'KUBE-SERVICES', legacy: true },
  ];
  const none = answering('nft -j list chains', { stdout: '{"nftables": []}' });

  const asked = ({ calls }: FakeNft): string[] =>
    calls.map(({ command }) => command).filter((command) => command.includes('tables-'));
  const noLegacy = answering('iptables-legacy-save --version', says.missing);

  test('is asked only for tables that are in use', async () => {
    const { facts, nft } = await gather([none, answering('iptables-legacy-save -t nat', saved)], {
      '/proc/net/ip_tables_names': 'nat\nmangle\n',
    });
    expect(facts).toMatchObject({ chains: found, unread: [] });
    expect(asked(nft)).toEqual(['iptables-legacy-save --version', 'iptables-legacy-save -t nat']);
  });

  test('may be called iptables-save', async () => {
    const version = answering('iptables-save --version', { stdout: 'iptables-save v1.8.9 (legacy)\n' });
    const { facts } = await gather([none, noLegacy, version, answering('iptables-save -t nat', saved)], {
      '/proc/net/ip_tables_names': 'nat\n',
    });
    expect(facts).toMatchObject({ chains: found, unread: [] });
  });

  test('is not iptables-save of nft, whose chains count once', async () => {
    const version = answering('iptables-save --version', { stdout: 'iptables-save v1.8.9 (nf_tables)\n' });
    const { facts, nft } = await gather([chains, noLegacy, version, answering('iptables-save -t nat', saved)], {
      '/proc/net/ip_tables_names': 'nat\n',
    });
    expect(facts.chains).toMatchObject([{ name: 'KUBE-SERVICES' }, { name: 'nat-output' }]);
    expect(facts.unread).toEqual([{ program: 'iptables', tables: ['nat'] }]);
    expect(asked(nft)).toEqual(['iptables-legacy-save --version', 'iptables-save --version']);
  });

  test('may be in use with no program to list it', async () => {
    const { facts } = await gather([none, noLegacy, answering('iptables-save --version', says.missing)], {
      '/proc/net/ip_tables_names': 'nat\nfilter\n',
    });
    expect(facts).toMatchObject({ chains: [], unread: [{ program: 'iptables', tables: ['nat', 'filter'] }] });
  });

  test('may refuse', async () => {
    const { facts } = await gather([none, answering('ip6tables-legacy-save -t filter', says.notPermitted)], {
      '/proc/net/ip6_tables_names': 'nat\nfilter\n',
    });
    expect(facts).toMatchObject({ chains: [], unread: [{ program: 'ip6tables', tables: ['filter'] }] });
  });

  test('of IPv6 too, with its policies', async () => {
    const policies = answering('ip6tables-legacy-save -t filter', { stdout: '*filter\n:FORWARD DROP [1:2]\nCOMMIT\n' });
    const { facts } = await gather([none, policies], { '/proc/net/ip6_tables_names': 'filter\n' });
    expect(facts.chains).toEqual([
      {
        family: 'ip6',
        table: 'filter',
        name: 'FORWARD',
        type: 'filter',
        hook: 'forward',
        policy: 'drop',
        legacy: true,
      },
    ]);
  });
});

test('bridges of pods are read with their own settings', async () => {
  const { facts } = await gather([chains], {
    '/proc/net/dev': '  face |bytes\n  eth0: 1\n  cni0: 2\nkube-bridge: 3\n  br0: 4\n',
    '/sys/class/net/cni0/bridge/nf_call_iptables': '1\n',
    '/sys/class/net/cni0/bridge/nf_call_ip6tables': '0\n',
  });
  expect(facts.bridges).toEqual([
    { name: 'cni0', calls: '1\n', calls6: '0\n' },
    { name: 'kube-bridge', calls: undefined, calls6: undefined },
  ]);
});

test('services that are started by systemd or OpenRC are found with their unit', async () => {
  const { facts } = await gather([chains], {
    '/etc/systemd/system/sysinit.target.wants/nftables.service': 'unit of nftables',
    '/etc/systemd/system/multi-user.target.wants/docker.service': '',
    '/etc/runlevels/default/ufw': 'script of ufw',
    '/lib/systemd/system/firewalld.service': 'not enabled',
    '/etc/nftables.conf': 'rules',
  });
  expect(facts.services).toEqual({ nftables: 'unit of nftables', docker: '', ufw: 'script of ufw' });
  expect(facts.files).toEqual({ nftRules: 'rules' });
});

test('a missing conntrack', async () => {
  expect((await gather([chains])).facts.hasConntrack).toBe(true);
  expect((await gather([chains, answering('conntrack --version', says.missing)])).facts.hasConntrack).toBe(false);
});
