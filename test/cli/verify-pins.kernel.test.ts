import { describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';

const settings = '--node worker-1 --cluster-cidr 10.244.0.0/16';
const verify = `svc2nft verify docs/shop.yaml ${settings} --ruleset kernel | grep -v 'table ip6'`;

describe.skipIf(!kernelTestsRun)('pins of loaded rules', () => {
  test('are faults where clients would follow them to what is no endpoint, or forever; diff deletes them', async () => {
    const lines = await runInNamespace(`
      ip address add 192.0.2.11/24 dev lo; ip link set lo up
      svc2nft apply docs/shop.yaml ${settings} > /dev/null
      nft add element ip svc2nft tcp-pins '{ 10.244.1.5 . 10.96.0.60 . 6379 timeout 600s : 10.244.2.62 . 6379 }'
      nft add element ip svc2nft tcp-pinned '{ 10.244.1.5 . 10.96.0.60 . 6379 . 10.244.2.62 . 6379 timeout 600s }'
      ${verify} | sed 's/.*: //'
      nft add element ip svc2nft tcp-pins '{ 10.244.1.6 . 10.96.0.60 . 6379 timeout 600s : 9.9.9.9 . 80 }'
      nft add element ip svc2nft tcp-pins '{ 10.244.1.7 . 10.96.0.60 . 6379 : 10.244.2.62 . 6379 }'
      nft add element ip svc2nft tcp-pinned '{ 10.244.1.8 . 10.96.0.60 . 6379 . 9.9.9.9 . 80 timeout 600s }'
      ${verify} | head -2
      svc2nft diff docs/shop.yaml ${settings} -o nft | grep -o '10.244.1.[67] .*6379 : [0-9.]* . [0-9]*' | sort
      svc2nft apply docs/shop.yaml ${settings} > /dev/null
      ${verify} | sed 's/.*: //'
      nft list map ip svc2nft tcp-pins | grep -c timeout.10m
    `);
    const place = 'shop/session 10.96.0.60:6379/tcp: connections from';
    expect(lines).toEqual([
      'correct',
      'exit code 1',
      `${place} 10.244.1.6 follow a pin to 9.9.9.9:80 and reach 9.9.9.9:80, but should not`,
      `${place} 10.244.1.7 keep 10.244.2.62:6379 forever, but should for 600 s`,
      'exit code 1',
      '10.244.1.6 . 10.96.0.60 . 6379 : 9.9.9.9 . 80',
      '10.244.1.7 . 10.96.0.60 . 6379 : 10.244.2.62 . 6379',
      'correct',
      '1',
    ]);
  });
});
