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

  test('opens node ports at all addresses by default, as kube-proxy in that mode', async () => {
    const { stdout } = await runMain([...compile, '--family', 'ip']);
    expect(stdout).toContain('! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL');
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
