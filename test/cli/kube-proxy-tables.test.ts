import { describe, expect, test } from 'vitest';
import { filesOf, rulesOf } from '../support/kube-proxy-table.ts';
import { runMain } from '../support/run-main.ts';

const { snapshot, config, rules } = filesOf('every-kind-of-frontend');
const inputs = [snapshot, '--node', 'worker-1', '--config', config];
const note = 'note: these are the rules of kube-proxy, in table kube-proxy\n';

describe('rules of kube-proxy', () => {
  test('list names Services, policies and affinity by them alone', async () => {
    const { exitCode, stdout, stderr } = await runMain(['list', '--ruleset', rules, '--family', 'ip', '--no-headers']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: `${note}namespace: shop\n` });
    expect(stdout.split('\n').map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
      'cart <none> ClusterIP 10.96.0.11:443/tcp Cluster 2 1',
      'cart <none> LoadBalancer 198.18.0.11:443/tcp Local 2 1 source ranges: 10.244.0.0/16 192.0.2.0/25 198.18.0.11 203.0.113.0/24',
      'cart <none> External 198.19.0.11:443/tcp Local 2 1',
      'cart <none> NodePort *:30443/tcp Local 2 1',
      'ending <none> ClusterIP 10.96.0.16:80/tcp Local 1 1',
      'far http ClusterIP 10.96.0.12:80/tcp Local 0 0 dropped: no local endpoints',
      'far http NodePort *:30082/tcp Local 2 0 dropped for external clients: no local endpoints',
      'kept s ClusterIP 10.96.0.14:9000/sctp Cluster 2 1 ClientIP 60 s',
      'kept t ClusterIP 10.96.0.14:80/tcp Cluster 2 1 ClientIP 60 s',
      'kept t NodePort *:30084/tcp Cluster 2 1 ClientIP 60 s',
      'kept-here <none> ClusterIP 10.96.0.15:80/udp Cluster 3 2 ClientIP 10,800 s',
      'kept-here <none> NodePort *:30085/udp Local 3 2 ClientIP 10,800 s',
      'none <none> ClusterIP 10.96.0.13:80/tcp <none> 0 0 rejected: no endpoints',
      'none <none> External 198.19.0.13:80/tcp <none> 0 0 rejected: no endpoints',
      'none <none> NodePort *:30083/tcp <none> 0 0 rejected: no endpoints',
      'web dns ClusterIP 10.96.0.10:53/udp Cluster 3 1',
      'web dns NodePort *:30053/udp Cluster 3 1',
      'web http ClusterIP 10.96.0.10:80/tcp Cluster 3 1',
      'web http NodePort *:30080/tcp Cluster 3 1',
      '',
    ]);
  });

  test('the table of svc2nft comes first; --table names another without a note', async () => {
    const compiled = await runMain(['compile', ...inputs]);
    const input = `${compiled.stdout}${rulesOf('localhost-node-ports')}`;
    const own = await runMain(['list', '--ruleset', '-', '-o', 'json'], { input });
    expect(own.stderr).toBe('');
    expect(JSON.parse(own.stdout).items).toHaveLength(36);
    const others = await runMain(['list', '--ruleset', '-', '--table', 'kube-proxy', '-o', 'name'], { input });
    expect(others.stderr).toBe('');
    expect(others.stdout.split('\n')).toEqual([
      'service:shop/none',
      'service:shop/web:dns',
      'service:shop/web:http',
      '',
    ]);
  });

  test('explain is certain, and names the rule', async () => {
    const asked = ['--from', '203.0.113.9', '--to', 'shop/cart:443'];
    const { exitCode, stdout } = await runMain(['explain', ...inputs, '--ruleset', rules, ...asked, '-o', 'json']);
    expect(exitCode).toBe(0);
    const { frontends } = JSON.parse(stdout);
    const at = (destination: string) =>
      frontends.find(({ packet }: { packet: { destination: string } }) => packet.destination === destination);
    expect(at('198.18.0.11')).toMatchObject({
      verdict: 'translated',
      notUnderstood: [],
      service: { name: 'shop/cart', type: 'LoadBalancer' },
      endpoints: [{ endpoint: '10.244.1.11:8443', masqueraded: false }],
    });
  });

  test.each([
    [
      'outside of source ranges',
      ['--from', '198.51.100.77', '--to', '198.18.0.11:443'],
      'DROPPED (the client times out): 198.51.100.77 is not in spec.loadBalancerSourceRanges of shop/cart (10.244.0.0/16, 192.0.2.0/25, 203.0.113.0/24)',
    ],
    [
      'to an unallocated cluster IP',
      ['--from', '10.244.1.5', '--to', '10.96.0.200:80'],
      'DROPPED (the client times out): 10.96.0.200 belongs to no Service, but is in Service CIDR 10.96.0.0/16; did you mean 10.96.0.16 (shop/ending)?',
    ],
  ])('explain: %s', async (_what, asked, headline) => {
    const { stdout } = await runMain(['explain', ...inputs, '--ruleset', rules, ...asked]);
    expect(stdout.split('\n')[0]).toBe(headline);
  });

  test.each(['mermaid', 'dot'])('graph draws what svc2nft would draw: %s', async (format) => {
    const own = await runMain(['graph', ...inputs, '-o', format]);
    expect(own.stdout).toContain('cart');
    const drawn = await runMain(['graph', ...inputs, '-o', format, '--ruleset', rules]);
    expect(drawn).toEqual({ ...own, stderr: `${own.stderr}${note}` });
    const without = rulesOf('every-kind-of-frontend').replaceAll(/tcp \. 30443 : [^,}]*,?/g, '');
    const changed = await runMain(['graph', ...inputs, '-o', format, '--ruleset', '-'], { input: without });
    expect(changed.stdout).not.toBe(own.stdout);
  });

  test('verify has notes and no faults', async () => {
    const args = ['verify', ...inputs, '--ruleset', rules, '--family', 'ip', '-o', 'json'];
    const { exitCode, stdout } = await runMain(args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      correct: true,
      tables: [
        {
          table: 'kube-proxy',
          faults: [],
          notes: [
            {
              code: 'icmp-rejection',
              frontends: ['shop/none *:30083/tcp', 'shop/none 10.96.0.13:80/tcp', 'shop/none 198.19.0.13:80/tcp'],
            },
            { code: 'no-hairpin', frontends: ['shop/web:dns 10.96.0.10:53/udp', 'shop/web:http 10.96.0.10:80/tcp'] },
          ],
        },
      ],
    });
  });
});

describe('diff --from-rules', () => {
  test('no difference', async () => {
    expect(await runMain(['diff', ...inputs, '--from-rules', rules])).toMatchObject({ exitCode: 0, stdout: '' });
  });

  test('differences in Service terms', async () => {
    const input = rulesOf('every-kind-of-frontend')
      .replaceAll('10.244.1.5 . 8080', '10.244.1.6 . 8080')
      .replaceAll(/tcp \. 30443 : [^,}]*,?/g, '')
      .replaceAll('timeout 1m', 'timeout 2m')
      .replaceAll('0x00004000', '0x00008000');
    const { exitCode, stdout } = await runMain(['diff', ...inputs, '--from-rules', '-', '--family', 'ip'], { input });
    expect(exitCode).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'table ip kube-proxy: serves otherwise than svc2nft would',
      '  settings  masquerade mark: 0x00008000 -> 0x00004000',
      '  shop/cart  +*:30443/tcp',
      '  shop/kept:s  affinity 120 s -> 60 s',
      '  shop/kept:t  affinity 120 s -> 60 s',
      '  shop/web:http  3 endpoints (+10.244.1.5:8080, -10.244.1.6:8080)',
      '',
    ]);
    const json = await runMain(['diff', ...inputs, '--from-rules', '-', '--family', 'ip', '-o', 'json'], { input });
    expect(JSON.parse(json.stdout).tables).toMatchObject([
      { family: 'ip', changed: [{}, {}, {}, {}], lost: [], gained: [] },
    ]);
  });

  test.each([
    [
      ['-o', 'nft'],
      'error: --from-rules takes no -o nft, because it compares what is served and changes no rules (see --help)\n',
    ],
    [['--from', snapshot], 'error: --from-rules takes no --from (see --help)\n'],
  ])('misuse: %j', async (flags, stderr) => {
    expect(await runMain(['diff', ...inputs, '--from-rules', rules, ...flags])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr,
    });
  });
});
