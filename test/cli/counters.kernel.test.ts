import { expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';

const apply = 'svc2nft apply docs/shop.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --family ip';
const inspect = 'docs/shop.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --family ip';
/** Connections to the cluster IP of shop/cart. Nobody answers them. */
const connect = `ip link set lo up; ip route add 10.96.0.0/16 dev lo; ip route add 10.244.0.0/16 dev lo
  for i in 1 2 3; do timeout 0.2 bash -c 'exec 3<>/dev/tcp/10.96.0.10/80' 2> /dev/null; done`;

test.skipIf(!kernelTestsRun)(
  'counters are turned on and off over a table that exists, and what they count is no difference',
  async () => {
    const lines = await runInNamespace(`
    ${apply} > /dev/null
    ${apply} --counters
    ${connect}
    nft list map ip svc2nft service-ips | grep -o '10.96.0.10 . tcp . 80 counter packets 3'
    nft list map ip svc2nft tcp-endpoints | awk '/10.96.0.10 . 80/ { for (i = 1; i < NF; i++) if ($i == "packets") sum += $(i + 1) } END { print sum }'
    svc2nft diff ${inspect} --counters
    svc2nft verify ${inspect} --ruleset kernel | tail -1
    nft list table ip svc2nft > /tmp/counters-$$.nft
    svc2nft verify ${inspect} --ruleset /tmp/counters-$$.nft | tail -1; rm /tmp/counters-$$.nft
    ${apply} --counters
    svc2nft diff ${inspect}
    ${apply}
    nft list table ip svc2nft | grep -c counter || true
  `);
    const changed = '(26 elements added, 5 chains written, 4 sets added, 4 sets deleted)';
    const correct = expect.stringMatching(
      /^table ip svc2nft: 11 frontends, 8 endpoints, [\d,]+ packets walked: correct$/,
    );
    expect(lines).toEqual([
      `table ip svc2nft: changed ${changed}`,
      '  settings  counters: off -> on',
      '10.96.0.10 . tcp . 80 counter packets 3',
      '3',
      correct,
      correct,
      'table ip svc2nft: up to date',
      `table ip svc2nft: would be changed ${changed}`,
      '  settings  counters: on -> off',
      'exit code 1',
      `table ip svc2nft: changed ${changed}`,
      '  settings  counters: on -> off',
      '0',
    ]);
  },
);

test.skipIf(!kernelTestsRun)('top shows what the kernel has counted', async () => {
  const lines = await runInNamespace(`
    svc2nft top
    ${apply} > /dev/null
    svc2nft top
    ${apply} --counters > /dev/null
    ${connect}
    svc2nft top shop --family ip --interval 0.1 | grep -v ' 0$' | tr -s ' '
    svc2nft top shop/web --interval 0.1 --count 2 -o json
  `);
  const services = [{ service: 'web', connections: 3, perSecond: 0, endpoints: expect.anything() }];
  expect(lines.slice(0, 6)).toEqual([
    'error: the kernel has no table ip svc2nft or table ip6 svc2nft',
    'exit code 1',
    'error: table ip svc2nft has no counters; to count connections, run svc2nft apply or svc2nft agent with --counters',
    'exit code 1',
    'NAMESPACE NAME PORT PROTOCOL CONN/S TOTAL',
    'shop web http tcp 0.0 3',
  ]);
  const readings = lines.slice(6).map((line) => JSON.parse(line));
  expect(readings).toMatchObject([{ services }, { services }]);
  const endpoints: readonly { connections: number }[] = readings[0].services[0].endpoints;
  expect(endpoints).toHaveLength(2);
  expect(endpoints.reduce((sum, { connections }) => sum + connections, 0)).toBe(3);
});
