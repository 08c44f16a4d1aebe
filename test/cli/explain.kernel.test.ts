import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';

const settings = ['docs/shop.yaml', '--node', 'worker-1', '--cluster-cidr', '10.244.0.0/16'];

describe.skipIf(!kernelTestsRun)('loaded rules', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await openNode();
  });

  afterAll(() => node.close());

  beforeEach(async () => {
    await node.nft('flush ruleset');
  });

  /** The lines that a command prints, errors first, and its exit code where that is not 0. */
  async function run(...args: readonly string[]): Promise<string[]> {
    const { exitCode, stdout, stderr } = await node.svc2nft(args);
    return [...`${stderr}${stdout}`.split('\n').slice(0, -1), ...(exitCode === 0 ? [] : [`exit code ${exitCode}`])];
  }

  async function apply(): Promise<void> {
    expect(await node.svc2nft(['apply', ...settings])).toMatchObject({ exitCode: 0 });
  }

  const explain = (...args: readonly string[]): Promise<string[]> => run('explain', '--ruleset', 'kernel', ...args);
  const explainShop = (from: string, to: string): Promise<string[]> => explain(...settings, '--from', from, '--to', to);

  test('without a snapshot, and with a rule that the compiler never writes', async () => {
    const pod = ['--from', '10.244.1.5', '--to', '10.96.0.20:80'];
    expect(await explain(...pod)).toEqual([
      'error: the kernel has no table ip svc2nft or kube-proxy, and no rules of kube-proxy or svc2nft for iptables',
      'exit code 1',
    ]);
    await apply();
    expect(await explain(...pod)).toEqual([
      'REFUSED (the client gets a TCP reset at once): shop/orders:http has no endpoint that can receive it',
      '',
      'tcp from 10.244.1.5 to 10.96.0.20:80',
      '',
      '  client         10.244.1.5 is treated as a pod: it is in 10.244.0.0/16',
      '  frontend       10.96.0.20:80/tcp is a frontend of shop/orders:http',
      '  rule           chain incoming-refusals: ip daddr . meta l4proto . th dport',
      '                 vmap @no-endpoint-services',
      '                 no-endpoint-services { 10.96.0.20 . tcp . 80 comment',
      '                 "shop/orders:http" : goto reject-chain }',
    ]);
    await node.nft('insert rule ip svc2nft incoming-refusals ip daddr 10.96.0.20 counter accept');
    expect(await explain(...pod)).toEqual([
      'warning: chain incoming-refusals: rule 1 is not understood',
      expect.stringMatching(/^NOT CERTAIN \(some rules are not understood\): REFUSED /),
      ...Array.from({ length: 9 }, () => expect.any(String)),
      '  not understood chain incoming-refusals, rule 1',
    ]);
  });

  test('a chain whose policy drops', async () => {
    await apply();
    await node.nft('add chain ip svc2nft strict { type filter hook prerouting priority -200; policy drop; }');
    const lines = await explainShop('outside', '192.0.2.11:30080');
    expect(lines.slice(0, 2)).toEqual([
      'warning: chain strict: unexpected policy drop',
      'NOT CERTAIN (some rules are not understood): SENT to one of 2 endpoints of shop/web:http, masqueraded',
    ]);
    expect(lines.at(-1)).toBe('  not understood chain strict, rule 1');
  });

  test('a dormant table', async () => {
    await apply();
    await node.nft('add table ip svc2nft { flags dormant; }');
    expect(await explainShop('pod:shop/web-1', '10.96.0.10:80')).toEqual([
      expect.stringMatching(/^warning: table ip svc2nft is dormant/),
      'NOT TRANSLATED (no rule applies): the table is dormant: none of its rules apply',
      '',
      'tcp from 10.244.1.5 to 10.96.0.10:80 on worker-1',
      '',
    ]);
  });

  test('a pinned client: the endpoint that it keeps, read from the kernel', async () => {
    await apply();
    await node.nft(`
      add element ip svc2nft tcp-pins { 10.244.1.5 . 10.96.0.60 . 6379 timeout 600s : 10.244.2.62 . 6379 }
      add element ip svc2nft tcp-pinned { 10.244.1.5 . 10.96.0.60 . 6379 . 10.244.2.62 . 6379 timeout 600s }
    `);
    const lines = await explainShop('pod:shop/web-1', 'service:shop/session');
    expect(lines).toContain('  endpoints      the client keeps its endpoint');
    expect(lines).toContain('                 100%  10.244.2.62:6379  shop/session-2  worker-2  zone-b');
    expect(lines[0]).toBe('SENT to 10.244.2.62:6379, the endpoint of shop/session that the client keeps');
    expect(lines).toContain('  ready, but not reached');
    expect(lines).toContain('                 10.244.1.61:6379  shop/session-1  worker-1  zone-a');
    expect(lines).toContain('                   the client keeps another endpoint');
    const [others] = await explainShop('pod:shop/search-1', 'service:shop/session');
    expect(others).toBe('SENT to one of 2 endpoints of shop/session');
  });

  test.each([
    [
      'chain',
      'services',
      'chain services is empty (somebody changed it): 10 frontends broken; svc2nft apply repairs it',
    ],
    [
      'map',
      'tcp-endpoints',
      'map tcp-endpoints is empty (somebody changed it): 7 frontends broken; svc2nft apply repairs it',
    ],
    [
      'map',
      'service-ips',
      'map service-ips is empty (somebody changed it): frontends broken; svc2nft apply repairs it',
    ],
  ])('a flushed %s: %s', async (kind, name, cause) => {
    await apply();
    await node.nft(`flush ${kind} ip svc2nft ${name}`);
    const [withSnapshot] = await explainShop('pod:shop/web-1', '10.96.0.10:80');
    expect(withSnapshot?.endsWith(`: ${cause}`)).toBe(true);
    const [alone] = await explain('--from', '10.244.1.5', '--to', '10.96.0.10:80');
    expect(alone?.endsWith(`: ${cause}`)).toBe(true);
    const [verified] = await run('verify', ...settings, '--ruleset', 'kernel', '--family', 'ip');
    expect(verified).toBe(cause);
    await apply();
    const [repaired] = await explainShop('pod:shop/web-1', '10.96.0.10:80');
    expect(repaired).toMatch(/^SENT to one of 2 endpoints/);
  });
});

describe.skipIf(!kernelTestsRun).each(['nft', 'legacy'])('rules of iptables, %s', (variant) => {
  test('where nft has no table', async () => {
    const iptables = `iptables-${variant}`;
    const node = '--node worker-1 --cluster-cidr 10.244.0.0/16';
    const lines = await runInNamespace(`
      ip address add 192.0.2.11/24 dev lo; ip link set lo up
      svc2nft compile docs/shop.yaml ${node} --target iptables --family ip | ${iptables}-restore --noflush
      ${iptables} -A FORWARD -m limit --limit 5/min -j LOG
      svc2nft explain --ruleset kernel --from outside --to 192.0.2.11:30080 | head -1
      svc2nft explain --ruleset kernel --from 10.244.1.5 --to shop/orders --rules | grep -A 1 -e REFUSED -e rule
      ${iptables} -P FORWARD DROP
      svc2nft explain docs/shop.yaml ${node} --ruleset kernel --from 10.244.1.5 --to shop/web:http | head -1
    `);
    const note = 'note: these are the rules of svc2nft for iptables';
    expect(lines).toEqual([
      note,
      'SENT to one of 2 endpoints of shop/web:http, masqueraded',
      note,
      'REFUSED (the client gets a TCP reset at once): shop/orders:http has no endpoint that can receive it',
      '',
      '--',
      '  rule           table filter: -A SVC2NFT-SERVICES -d 10.96.0.20/32 -p tcp -m',
      '                 tcp --dport 80 -m comment --comment "shop/orders:http has no',
      note,
      expect.stringMatching(
        /^RANDOM at cluster IP .*: of new connections, 1 of 2 are sent to endpoints, 1 of 2 are dropped, by the policy of chain FORWARD of table filter$/,
      ),
    ]);
  });
});
