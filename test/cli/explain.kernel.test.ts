import { describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';

function inNamespace(script: string): Promise<string[]> {
  return runInNamespace(`ip address add 192.0.2.11/24 dev lo; ip link set lo up\n${script}`);
}

const settings = '--node worker-1 --cluster-cidr 10.244.0.0/16';
const apply = `svc2nft apply docs/shop.yaml ${settings} > /dev/null`;

describe.skipIf(!kernelTestsRun)('loaded rules', () => {
  test('without a snapshot, and with a rule that the compiler never writes', async () => {
    const lines = await inNamespace(`
      svc2nft explain --ruleset kernel --from 10.244.1.5 --to 10.96.0.20:80
      ${apply}
      svc2nft explain --ruleset kernel --from 10.244.1.5 --to 10.96.0.20:80
      nft insert rule ip svc2nft incoming-refusals ip daddr 10.96.0.20 counter accept
      svc2nft explain --ruleset kernel --from 10.244.1.5 --to 10.96.0.20:80
    `);
    expect(lines).toEqual([
      'error: the kernel has no table ip svc2nft or kube-proxy',
      'exit code 1',
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
      'warning: chain incoming-refusals: rule 1 is not understood',
      expect.stringMatching(/^NOT CERTAIN \(some rules are not understood\): REFUSED /),
      ...Array.from({ length: 9 }, () => expect.any(String)),
      '  not understood chain incoming-refusals, rule 1',
    ]);
  });

  test('a chain whose policy drops', async () => {
    const lines = await inNamespace(`
      ${apply}
      nft add chain ip svc2nft strict '{ type filter hook prerouting priority -200; policy drop; }'
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from outside --to 192.0.2.11:30080 | sed -n '1p;$p'
    `);
    expect(lines).toEqual([
      'warning: chain strict: unexpected policy drop',
      'NOT CERTAIN (some rules are not understood): SENT to one of 2 endpoints of shop/web:http, masqueraded',
      '  not understood chain strict, rule 1',
    ]);
  });

  test('a dormant table', async () => {
    const lines = await inNamespace(`
      ${apply}
      nft add table ip svc2nft '{ flags dormant; }'
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/web-1 --to 10.96.0.10:80
    `);
    expect(lines).toEqual([
      expect.stringMatching(/^warning: table ip svc2nft is dormant/),
      'NOT TRANSLATED (no rule applies): the table is dormant: none of its rules apply',
      '',
      'tcp from 10.244.1.5 to 10.96.0.10:80 on worker-1',
      '',
    ]);
  });

  test('a pinned client: the endpoint that it keeps, read from the kernel', async () => {
    const lines = await inNamespace(`
      ${apply}
      nft add element ip svc2nft tcp-pins '{ 10.244.1.5 . 10.96.0.60 . 6379 timeout 600s : 10.244.2.62 . 6379 }'
      nft add element ip svc2nft tcp-pinned '{ 10.244.1.5 . 10.96.0.60 . 6379 . 10.244.2.62 . 6379 timeout 600s }'
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/web-1 --to service:shop/session
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/search-1 --to service:shop/session | head -1
    `);
    expect(lines).toContain('  endpoints      the client keeps its endpoint');
    expect(lines).toContain('                 100%  10.244.2.62:6379  shop/session-2  worker-2  zone-b');
    expect(lines[0]).toBe('SENT to 10.244.2.62:6379, the endpoint of shop/session that the client keeps');
    expect(lines).toContain('  ready, but not reached');
    expect(lines).toContain('                 10.244.1.61:6379  shop/session-1  worker-1  zone-a');
    expect(lines).toContain('                   the client keeps another endpoint');
    expect(lines.at(-1)).toBe('SENT to one of 2 endpoints of shop/session');
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
    const lines = await inNamespace(`
      ${apply}
      nft flush ${kind} ip svc2nft ${name}
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/web-1 --to 10.96.0.10:80 | head -1
      svc2nft explain --ruleset kernel --from 10.244.1.5 --to 10.96.0.10:80 | head -1
      svc2nft verify docs/shop.yaml ${settings} --ruleset kernel --family ip | head -1
      ${apply}
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/web-1 --to 10.96.0.10:80 | head -1
    `);
    expect(lines[0]?.endsWith(`: ${cause}`)).toBe(true);
    expect(lines[2]).toBe(cause);
    expect(lines[1]?.endsWith(`: ${cause}`)).toBe(true);
    expect(lines.at(-1)).toMatch(/^SENT to one of 2 endpoints/);
  });
});
