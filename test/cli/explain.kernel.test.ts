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
      nft insert rule ip svc2nft service-endpoints-check ip daddr 10.96.0.20 counter accept
      svc2nft explain --ruleset kernel --from 10.244.1.5 --to 10.96.0.20:80
    `);
    expect(lines).toEqual([
      'error: the kernel has no table ip svc2nft',
      'exit code 1',
      'tcp from 10.244.1.5 to 10.96.0.20:80',
      '',
      '  client         10.244.1.5 is treated as a pod: it is in 10.244.0.0/16',
      '  frontend       10.96.0.20:80/tcp is a frontend of shop/orders:http',
      '  refusal        shop/orders:http has no endpoint that can receive it: rejected with a TCP reset, so the client sees "connection refused"',
      '                 chain service-endpoints-check: ip daddr . meta l4proto . th dport vmap @no-endpoint-services',
      '                   no-endpoint-services { 10.96.0.20 . tcp . 80 comment "shop/orders:http" : goto reject-chain }',
      '',
      '=> rejected: shop/orders:http (no-endpoints)',
      'warning: chain service-endpoints-check: rule 1 is not understood',
      ...Array.from({ length: 7 }, () => expect.any(String)),
      '  not understood chain service-endpoints-check, rule 1',
      '',
      '=> not certain; without the rules that were not understood: rejected: shop/orders:http (no-endpoints)',
    ]);
  });

  test('a chain whose policy drops', async () => {
    const lines = await inNamespace(`
      ${apply}
      nft add chain ip svc2nft strict '{ type filter hook prerouting priority -200; policy drop; }'
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from outside --to 192.0.2.11:30080 | tail -3
    `);
    expect(lines).toEqual([
      'warning: chain strict: unexpected policy drop',
      '  not understood chain strict, rule 1',
      '',
      '=> not certain; without the rules that were not understood: sent to one of 2 endpoints of shop/web:http, masqueraded',
    ]);
  });

  test('a dormant table', async () => {
    const lines = await inNamespace(`
      ${apply}
      nft add table ip svc2nft '{ flags dormant; }'
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/web-1 --to service:shop/web
    `);
    expect(lines).toEqual([
      expect.stringMatching(/^warning: table ip svc2nft is dormant/),
      'tcp from 10.244.1.5 to 10.96.0.10:80 on worker-1',
      '',
      '  no rule        the table is dormant: none of its rules apply',
      '',
      '=> untouched: no rule translates it (dormant)',
    ]);
  });

  test('a pinned client: the endpoint that it keeps, read from the kernel', async () => {
    const lines = await inNamespace(`
      ${apply}
      nft add element ip svc2nft tcp-pins '{ 10.244.1.5 . 10.96.0.60 . 6379 timeout 600s : 10.244.2.62 . 6379 }'
      nft add element ip svc2nft tcp-pinned '{ 10.244.1.5 . 10.96.0.60 . 6379 . 10.244.2.62 . 6379 timeout 600s }'
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/web-1 --to service:shop/session
      svc2nft explain docs/shop.yaml ${settings} --ruleset kernel --from pod:shop/search-1 --to service:shop/session | tail -1
    `);
    expect(lines).toContain('  endpoints      the client keeps its endpoint');
    expect(lines).toContain('                 100%  10.244.2.62:6379  shop/session-2  worker-2  zone-b');
    expect(lines).toContain(
      '  left out       10.244.1.61:6379  shop/session-1  worker-1  zone-a  ready, but the client keeps another endpoint',
    );
    expect(lines.at(-1)).toBe('=> sent to one of 2 endpoints of shop/session');
  });
});
