import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runMain } from '../support/run-main.ts';

const compile = ['compile', 'demo/cluster.yaml', '--cluster-cidr', '10.244.0.0/16', '--target', 'iptables'];

describe('compile --target iptables', () => {
  test('prints what iptables-restore loads for one family, with its jumps', async () => {
    const { exitCode, stdout, stderr } = await runMain([...compile, '--family', 'ip']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('# Load with iptables-restore --noflush: ');
    expect(stdout).toContain('\n-I PREROUTING 1 -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES\n');
    // The hash is that of KUBE-SVC-I5LIAMPLWKMBJ54B in kube-proxy's iptables mode.
    expect(stdout).toContain(
      '\n-A SVC2NFT-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -m comment --comment "shop/cart:http cluster IP" -g SVC2NFT-SVC-I5LIAMPLWKMBJ54B\n',
    );
    expect(stdout.match(/^(\*\w+|COMMIT)$/gm)).toEqual(['*filter', 'COMMIT', '*nat', 'COMMIT']);
  });

  test('--chains-only leaves the jumps out, and nothing else', async () => {
    const whole = await runMain([...compile, '--family', 'ip']);
    const chains = await runMain([...compile, '--family', 'ip', '--chains-only']);
    const expected = whole.stdout.split('\n').filter((line) => !/^-I |^# Its jumps/.test(line));
    expect(chains).toEqual({ ...whole, stdout: expected.join('\n') });
  });

  test('--over prints what differs from saved rules: nothing for the same, and a text that begins with their jumps without any', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
    const file = join(folder, 'saved');
    const print = async (saved: string) => {
      writeFileSync(file, saved);
      return runMain([...compile, '--family', 'ip', '--over', file]);
    };
    const whole = (await runMain([...compile, '--family', 'ip'])).stdout;
    // As iptables-save prints them: jumps are rules like others.
    const saved = whole
      .replace(/^-I (\w+) \d+ /gm, '-A $1 ')
      .replace(/^\*filter$/m, '*filter\n:INPUT ACCEPT [7:8]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]')
      .replace(/^\*nat$/m, '*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]');
    const same = await print(saved);
    expect(same).toMatchObject({ exitCode: 0, stderr: '' });
    expect(same.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);

    const fewer = await print(
      saved.replace(/^-A SVC2NFT-NODEPORTS .*\n/m, '').replace('COMMIT', ':SVC2NFT-SVC-GONE - [0:0]\nCOMMIT'),
    );
    expect(fewer.stdout.split('\n').filter((line) => !line.startsWith('#'))).toEqual([
      '*filter',
      ':SVC2NFT-SVC-GONE - [0:0]',
      '-X SVC2NFT-SVC-GONE',
      'COMMIT',
      '*nat',
      ':SVC2NFT-NODEPORTS - [0:0]',
      expect.stringMatching(/^-A SVC2NFT-NODEPORTS -p tcp -m tcp --dport 30080 .* -g SVC2NFT-EXT-I5LIAMPLWKMBJ54B$/),
      'COMMIT',
      '',
    ]);

    const anew = await print('');
    expect(anew.stdout.match(/^-I .*$/gm)).toEqual(whole.match(/^-I .*$/gm));
    const hostile = await print(
      '*nat\n:SVC2NFT-X;reboot - [0:0]\n:SVC2NFT-$(reboot) - [0:0]\n-A PREROUTING -j $(reboot)\n',
    );
    expect(hostile.stdout).toBe(anew.stdout);
    expect(await runMain([...compile, '--family', 'ip', '--over', folder])).toMatchObject({ exitCode: 1, stdout: '' });
    rmSync(folder, { recursive: true });
  });

  test('opens node ports at all addresses by default, as kube-proxy in that mode', async () => {
    const { stdout } = await runMain([...compile, '--family', 'ip']);
    expect(stdout).toContain('-A SVC2NFT-SERVICES -m addrtype --dst-type LOCAL -m comment --comment "node ports" -j ');
    const primary = await runMain([...compile, '--family', 'ip', '--nodeport-addresses', 'primary']);
    expect(primary.stdout).toContain('-A SVC2NFT-SERVICES -d 192.0.2.11/32 -m comment --comment "node ports" -j ');
  });

  test('IPv6 is for ip6tables-restore', async () => {
    const { exitCode, stdout } = await runMain([...compile, '--family', 'ip6']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('# Load with ip6tables-restore --noflush: ');
  });
});

describe('wrong usage', () => {
  test.each([
    [
      ['--target', 'iptables'],
      'error: --target iptables takes --family ip, for iptables-restore, or --family ip6, for ip6tables-restore\n',
    ],
    [['--target', 'iptables', '--family', 'ip', '--counters'], 'error: --counters is for --target nftables\n'],
    [['--target', 'iptables', '--family', 'ip', '--table', 'x'], 'error: --table is for --target nftables\n'],
    [['--target', 'iptables', '--family', 'ip', '-o', 'nft'], 'error: -o is for --target nftables\n'],
    [['--family', 'ip', '--chains-only'], 'error: --chains-only is for --target iptables\n'],
  ])('%j', async (flags, message) => {
    const { exitCode, stdout, stderr } = await runMain(['compile', 'demo/cluster.yaml', ...flags]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  test('an interface whose name iptables would take for the beginning of names', async () => {
    const flags = ['--detect-local-mode', 'BridgeInterface', '--pod-bridge-interface', 'cni+', '--family', 'ip'];
    const { exitCode, stderr } = await runMain(['compile', 'demo/cluster.yaml', '--target', 'iptables', ...flags]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('cni+');
  });
});
