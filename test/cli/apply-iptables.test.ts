import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { KernelFiles } from '../../src/kernel/kernel-files.ts';
import { createFakeIptables, type FakeIptables } from '../support/fake-iptables.ts';
import { type Answer, answering, listChains, says, times } from '../support/fake-nft.ts';
import type { CommandResult } from '../support/run-main.ts';
import { runCommand } from './run-command.ts';
import { shop } from './shop.ts';

/** `svc2nft apply - --target iptables` with these programs. */
function apply(
  { run }: Pick<FakeIptables, 'run'>,
  { input = shop(), flags = [] }: { readonly input?: string; readonly flags?: readonly string[] } = {},
): Promise<CommandResult> {
  const args = ['apply', '-', '--cluster-cidr', '10.244.0.0/16', '--target', 'iptables', ...flags];
  return runCommand(args, { input, run });
}

/** What a machine has whose rules are those of the shop. */
async function withShop(...answers: readonly Answer[]): Promise<FakeIptables> {
  const machine = createFakeIptables(...answers);
  await apply(machine);
  machine.commandsSince();
  return machine;
}

const four = shop({ cart: ['10.244.1.11', '10.244.1.12', '10.244.1.13', '10.244.1.14'] });
const onlyIp = ['--family', 'ip'];
const saves = ['iptables-save', 'ip6tables-save'];

describe('apply --target iptables', () => {
  test('creates the rules of both families, each by one iptables-restore, which reads all of it first', async () => {
    const machine = createFakeIptables();
    expect(await apply(machine)).toEqual({
      exitCode: 0,
      stdout:
        'iptables: created (19 chains added, 14 jumps put first)\n' +
        'ip6tables: created (11 chains added, 13 jumps put first)\n',
      stderr: '',
    });
    expect(machine.commandsSince()).toEqual([
      ...saves,
      listChains,
      'iptables-restore --noflush -w 10 --test',
      'iptables-restore --noflush -w 10',
      'ip6tables-restore --noflush -w 10 --test',
      'ip6tables-restore --noflush -w 10',
      'conntrack -L -p udp -f ipv4',
    ]);
    expect(machine.saved().match(/^-A PREROUTING .*$/gm)).toEqual([
      '-A PREROUTING -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES',
    ]);
  });

  test('does nothing where nothing differs', async () => {
    const machine = await withShop();
    expect(await apply(machine)).toEqual({
      exitCode: 0,
      stdout: 'iptables: up to date\nip6tables: up to date\n',
      stderr: '',
    });
    expect(machine.commandsSince()).toEqual([...saves, listChains]);
  });

  test('writes only chains that differ, and deletes those of Services that are gone', async () => {
    const machine = await withShop();
    expect((await apply(machine, { input: four })).stdout).toBe(
      'iptables: changed (1 chain added, 1 chain written)\nip6tables: up to date\n',
    );
    const text = machine.texts().at(-1) ?? '';
    expect(text.match(/^:\S+/gm)).toEqual([':SVC2NFT-SVC-I5LIAMPLWKMBJ54B', expect.stringMatching(/^:SVC2NFT-SEP-/)]);
    expect(text.match(/^\*\w+$/gm)).toEqual(['*nat']);

    const back = await apply(machine);
    expect(back.stdout).toBe('iptables: changed (1 chain written, 1 chain deleted)\nip6tables: up to date\n');
    expect(machine.saved()).toBe((await withShop()).saved());
  });

  test('puts its jumps ahead of those of others, whose rules stay', async () => {
    const machine = await withShop();
    machine.load('*nat\n:OTHER - [0:0]\n-I PREROUTING 1 -j OTHER\n-A OTHER -j RETURN\nCOMMIT\n');
    expect((await apply(machine)).stdout).toBe('iptables: changed (1 jump put first)\nip6tables: up to date\n');
    expect(machine.saved().match(/^-A (PREROUTING|OTHER) .*$/gm)).toEqual([
      '-A PREROUTING -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES',
      '-A PREROUTING -j OTHER',
      '-A OTHER -j RETURN',
    ]);
  });

  test('takes jumps of another version away', async () => {
    const machine = await withShop();
    const jump = '-s 10.0.0.0/8 -m comment --comment "Kubernetes Services" -j SVC2NFT-OLDER';
    machine.load(`*nat\n:SVC2NFT-OLDER - [0:0]\n-A PREROUTING ${jump}\nCOMMIT\n`);
    expect((await apply(machine, { flags: onlyIp })).stdout).toBe(
      'iptables: changed (1 chain deleted, 1 jump put first)\n',
    );
    expect(machine.saved()).not.toContain('OLDER');
  });

  test('a chain to which a rule of others goes stays, without rules', async () => {
    const machine = await withShop();
    machine.load(
      '*nat\n:SVC2NFT-SVC-GONE - [0:0]\n-A SVC2NFT-SVC-GONE -j RETURN\n-A OUTPUT -j SVC2NFT-SVC-GONE\nCOMMIT\n',
    );
    expect((await apply(machine, { flags: onlyIp })).stdout).toBe('iptables: changed (1 chain emptied)\n');
    expect(machine.saved()).toContain(':SVC2NFT-SVC-GONE - [0:0]\n');
    expect((await apply(machine, { flags: onlyIp })).stdout).toBe('iptables: up to date\n');
  });

  test('keeps ranges of cluster IPs where the input has no ServiceCIDR', async () => {
    const machine = createFakeIptables();
    const range = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' } };
    const list = JSON.parse(shop());
    list.items.push({ ...range, spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] } });
    await apply(machine, { input: JSON.stringify(list) });
    const rule = '-A SVC2NFT-SERVICES -d 10.96.0.0/16 -m comment --comment "no Service" -j DROP\n';
    expect(machine.saved()).toContain(rule);
    expect((await apply(machine)).stdout).toBe('iptables: up to date\nip6tables: up to date\n');
  });
});

describe('apply --target iptables --dry-run', () => {
  test('lets iptables-restore read what differs, and changes nothing', async () => {
    const machine = await withShop();
    const before = machine.saved();
    const { stdout } = await apply(machine, { input: four, flags: ['--dry-run'] });
    expect(stdout).toBe('iptables: would be changed (1 chain added, 1 chain written)\nip6tables: up to date\n');
    expect(machine.commandsSince()).toEqual([...saves, listChains, 'iptables-restore --noflush -w 10 --test']);
    expect(machine.saved()).toBe(before);
  });

  test('=client only reads', async () => {
    const machine = createFakeIptables();
    const { stdout } = await apply(machine, { flags: ['--dry-run=client'] });
    expect(stdout).toContain('iptables: would be created (19 chains added, 14 jumps put first)\n');
    expect(machine.commandsSince()).toEqual([...saves, listChains]);
  });
});

describe('errors of iptables', () => {
  const restore = 'iptables-restore --noflush -w 10';
  const busy = {
    exitCode: 4,
    stderr: 'Another app is currently holding the xtables lock. Stopped waiting after 10s.\n',
  };

  test('one that is not installed: exit code 4, and the other family is applied', async () => {
    const machine = createFakeIptables(answering('iptables-save', { ...says.missing, stderr: '' }));
    expect(await apply(machine)).toEqual({
      exitCode: 4,
      stdout: 'iptables: not changed\nip6tables: created (11 chains added, 13 jumps put first)\n',
      stderr:
        'error: iptables: not-found\n    iptables-save is not installed\n' +
        'Install iptables 1.8 or newer, or use --target nftables.\n',
    });
  });

  test('no ip6tables where no Service has an IPv6 address is fine', async () => {
    const machine = createFakeIptables(answering('ip6tables-save', { ...says.missing, stderr: '' }));
    expect(await apply(machine)).toEqual({
      exitCode: 0,
      stdout: 'iptables: created (19 chains added, 14 jumps put first)\n',
      stderr: 'note: no ip6tables here, and no Service that needs it\n',
    });
  });

  test('no permission: one error for both, exit code 4', async () => {
    const denied = {
      exitCode: 4,
      stderr: 'Fetching rule set generation id failed: Permission denied (you must be root)\n',
    };
    const machine = createFakeIptables(answering('iptables-save', denied), answering('ip6tables-save', denied));
    const { exitCode, stderr, stdout } = await apply(machine);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: 'iptables: not changed\nip6tables: not changed\n' });
    expect(stderr.split('\n')[0]).toBe('error: iptables, ip6tables: no-permission');
  });

  test('a lock that another program keeps is tried for again', async () => {
    const machine = createFakeIptables(times(2, answering(restore, busy)));
    expect(await apply(machine, { flags: onlyIp })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await apply(machine, { flags: onlyIp })).toMatchObject({ stdout: 'iptables: up to date\n' });

    const blocked = createFakeIptables(answering(restore, busy));
    expect(await apply(blocked, { flags: onlyIp })).toEqual({
      exitCode: 3,
      stdout: 'iptables: not changed\n',
      stderr:
        'error: iptables: busy\n    Another app is currently holding the xtables lock. Stopped waiting after 10s.\n' +
        'Look for the program that keeps /run/xtables.lock, such as an iptables-restore that hangs.\n',
    });
    expect(blocked.commandsSince().filter((command) => command === restore)).toHaveLength(3);
  });

  test('a line that is refused is named, with its Service; nothing is changed, but the other family', async () => {
    const refused: Answer = ({ command, input = '' }) => {
      const line = 1 + input.split('\n').findIndex((text) => /^-A SVC2NFT-SEP-\S+ -p udp .*DNAT/.test(text));
      return command === `${restore} --test` && line > 0
        ? {
            exitCode: 2,
            stderr: `iptables-restore v1.8.9 (nf_tables): unknown option "--x"\nError occurred at line: ${line}\nTry \`iptables-restore -h'\n`,
          }
        : undefined;
    };
    const machine = createFakeIptables(refused);
    const { exitCode, stdout, stderr } = await apply(machine);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 3,
      stdout: 'iptables: not changed\nip6tables: created (11 chains added, 13 jumps put first)\n',
    });
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      'error: iptables: refused',
      '    iptables-restore v1.8.9 (nf_tables): unknown option "--x"',
      expect.stringMatching(/^ {4}Error occurred at line: \d+$/),
    ]);
    expect(stderr.split('\n')[3]).toMatch(
      /^ {4}line \d+, in table nat, of shop\/dns:dns: -A SVC2NFT-SEP-\S+ -p udp .*-j DNAT --to-destination 10\.244\.1\.53:5353$/,
    );
    expect(machine.saved()).toBe('');
  });

  test('a table that the kernel refuses leaves the one before changed, and says so', async () => {
    const kernel: Answer = ({ command, input = '' }) => {
      if (command !== restore || !input.includes('*nat')) {
        return undefined;
      }
      machine.load(input.replace(/\*nat.*$/s, ''));
      return {
        exitCode: 4,
        stderr:
          'iptables-restore v1.8.9 (nf_tables): \nline 90: RULE_APPEND failed (Invalid argument): rule in chain SVC2NFT-POSTROUTING\n',
      };
    };
    const machine = createFakeIptables(kernel);
    const { exitCode, stdout } = await apply(machine, { flags: onlyIp });
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: 'iptables: table filter changed, table nat not\n' });
    // The same again is refused again, so it is sent twice: what is left, and only because that was another text.
    expect(machine.commandsSince().filter((command) => command === restore)).toHaveLength(2);
  });

  test('one that was ended after the kernel had all is no error', async () => {
    const late: Answer = ({ command, input = '' }) => {
      if (command !== restore) {
        return undefined;
      }
      machine.load(input);
      return { exitCode: undefined, signal: 'SIGKILL' };
    };
    const machine = createFakeIptables(late);
    expect(await apply(machine, { flags: onlyIp })).toMatchObject({
      exitCode: 0,
      stdout: 'iptables: created (19 chains added, 14 jumps put first)\n',
    });
  });

  test('rules that another program changes meanwhile are read again', async () => {
    const other: Answer = ({ command }) => {
      if (command !== restore) {
        return undefined;
      }
      machine.load('*nat\n-D PREROUTING -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES\nCOMMIT\n');
      return {
        exitCode: 1,
        stderr: 'iptables-restore: line 3 failed: Bad rule (does a matching rule exist in that chain?).\n',
      };
    };
    const machine = await withShop();
    machine.load('*nat\n-I PREROUTING 1 -j ACCEPT\nCOMMIT\n');
    machine.answers.unshift(times(1, other));
    expect(await apply(machine, { flags: onlyIp })).toMatchObject({ exitCode: 0, stderr: '' });
    expect(machine.saved()).toContain(
      '-A PREROUTING -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES\n-A PREROUTING -j ACCEPT\n',
    );
  });
});

describe('around the rules', () => {
  test('flows to a UDP Service that is gone are deleted', async () => {
    const machine = await withShop();
    const flow =
      'udp      17 29 src=10.244.1.5 dst=10.96.0.53 sport=4000 dport=53 src=10.244.1.53 dst=10.244.1.5 sport=5353 dport=4000 use=1\n';
    machine.answers.unshift(answering('conntrack -L -p udp -f ipv4', { stdout: flow }), ({ command }) =>
      command.startsWith('conntrack -D ') ? { stdout: flow } : undefined,
    );
    const list = JSON.parse(shop());
    list.items = list.items.filter((item: { metadata: { name: string } }) => !item.metadata.name.startsWith('dns'));
    const { stdout } = await apply(machine, { input: JSON.stringify(list), flags: ['--allow-empty'] });
    expect(stdout).toBe(
      'iptables: changed (3 chains written, 2 chains deleted)\nip6tables: up to date\n1 stale UDP flow deleted\n',
    );
    expect(machine.commandsSince().filter((command) => command.startsWith('conntrack -D'))).toEqual([
      'conntrack -D -p udp -f ipv4 --orig-dst 10.96.0.53 --orig-port-dst 53 --reply-src 10.244.1.53 --reply-port-src 5353',
    ]);
  });

  describe('the setting for node ports at loopback addresses', () => {
    const path = '/proc/sys/net/ipv4/conf/all/route_localnet';
    const applyTo = async (value: string, flags: readonly string[] = [], problem?: Error) => {
      const files = new Map([[path, value]]);
      const kernelFiles: KernelFiles = {
        read: async (name) => files.get(name) ?? '',
        write: async (name, text) => {
          if (problem) {
            throw problem;
          }
          files.set(name, text);
        },
      };
      const machine = createFakeIptables();
      const args = ['apply', '-', '--cluster-cidr', '10.244.0.0/16', '--target', 'iptables', ...onlyIp, ...flags];
      const result = await runCommand(args, { input: shop(), run: machine.run, kernelFiles });
      return { ...result, lines: result.stdout.split('\n').slice(1, -1), value: files.get(path) };
    };

    test('is turned on once the guard is there', async () => {
      expect(await applyTo('0\n')).toMatchObject({
        lines: ['net.ipv4.conf.all.route_localnet: set to 1'],
        value: '1\n',
        exitCode: 0,
      });
      expect(await applyTo('1\n')).toMatchObject({ lines: [], value: '1\n' });
      expect(await applyTo('0\n', ['--dry-run'])).toMatchObject({
        lines: ['net.ipv4.conf.all.route_localnet: would be set to 1'],
        value: '0\n',
      });
    });

    test('is left alone where no node port answers there', async () => {
      expect(await applyTo('0\n', ['--nodeport-addresses', 'primary'])).toMatchObject({ lines: [], value: '0\n' });
      const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
      const config = join(folder, 'config.yaml');
      const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
      writeFileSync(config, `${head}mode: iptables\niptables:\n  localhostNodePorts: false\n`);
      const { stdout, stderr, value } = await applyTo('0\n', ['--config', config]);
      expect({ stdout, stderr, value }).toEqual({
        // Its mode is the one that these rules follow.
        stderr: '',
        stdout: 'iptables: created (18 chains added, 13 jumps put first)\n',
        value: '0\n',
      });
      rmSync(folder, { recursive: true });
    });

    test('that cannot be written is a warning', async () => {
      const problem = new Error("EROFS: read-only file system, open '/proc/sys/net/ipv4/conf/all/route_localnet'");
      expect(await applyTo('0\n', ['-o', 'json'], problem)).toMatchObject({
        exitCode: 0,
        stderr: `warning: node ports do not answer at loopback addresses; set net.ipv4.conf.all.route_localnet to 1: ${problem.message}\n`,
      });
      expect(JSON.parse((await applyTo('0\n', ['-o', 'json'])).stdout).routeLocalnet).toEqual({
        changed: true,
        failed: null,
      });
    });
  });

  test('half a cluster is refused', async () => {
    const machine = await withShop();
    const list = JSON.parse(shop());
    list.items = list.items.filter(({ kind }: { kind: string }) => kind === 'Node');
    const { exitCode, stderr } = await apply(machine, { input: JSON.stringify(list) });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'error no-services: the input has no Service with a cluster IP, but the table in the kernel serves 2 Services (shop/cart, shop/dns); get all',
    );
    expect(machine.commandsSince()).toEqual([...saves, listChains]);
  });

  test('rules of others that translate Services are named', async () => {
    const chains = [
      { family: 'ip', table: 'svc2nft', name: 'nat-prerouting', type: 'nat', hook: 'prerouting' },
      { family: 'ip', table: 'svc2nft', name: 'services' },
      { family: 'ip6', table: 'kube-proxy', name: 'services' },
    ];
    const machine = await withShop(
      answering(listChains, { stdout: JSON.stringify({ nftables: chains.map((chain) => ({ chain })) }) }),
    );
    machine.load('*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n');
    const { exitCode, stderr } = await apply(machine);
    expect(exitCode).toBe(0);
    expect(stderr.match(/^\S.*$/gm)).toEqual([
      'warning: kube-proxy also translates Services: table ip6 kube-proxy',
      'warning: kube-proxy also translates Services: KUBE-SERVICES in iptables (nft)',
      'warning: nftables rules of svc2nft also translate Services: table ip svc2nft',
    ]);
  });

  test('rules in both variants are noted', async () => {
    const warning = '# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n';
    const machine = createFakeIptables(answering('iptables-save', { stderr: warning }));
    machine.load('*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n', 'iptables-legacy');
    const { stderr } = await apply(machine, { flags: onlyIp });
    expect(stderr).toBe(
      'note: iptables has rules in both variants, nf_tables and legacy; packets pass both\n' +
        '    Use one variant on a machine, and remove the rules of the other one.\n',
    );
  });

  test('apply for nft names rules of svc2nft for iptables', async () => {
    const chain = { family: 'ip', table: 'nat', name: 'SVC2NFT-SERVICES' };
    const machine = createFakeIptables(answering(listChains, { stdout: JSON.stringify({ nftables: [{ chain }] }) }));
    const { stderr } = await runCommand(['apply', '-', '--cluster-cidr', '10.244.0.0/16'], {
      input: shop(),
      run: machine.run,
    });
    expect(stderr).toContain(
      'warning: rules of svc2nft for iptables also translate Services: SVC2NFT-SERVICES in iptables (nft)\n',
    );
  });

  test.each([
    [['--table', 'x'], '--table'],
    [['--counters'], '--counters'],
    [['--target-nft', '1.1.3'], '--target-nft'],
  ])('%j is wrong usage', async (flags, flag) => {
    const machine = createFakeIptables();
    const { exitCode, stderr } = await apply(machine, { flags });
    expect({ exitCode, calls: machine.calls }).toEqual({ exitCode: 2, calls: [] });
    expect(stderr).toContain(`error: ${flag} is for --target nftables\n`);
  });
});
