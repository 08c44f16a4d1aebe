import { describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { filesOf } from '../support/kube-proxy-table.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';

const { snapshot, config, rules } = filesOf('every-kind-of-frontend');

describe.skipIf(!kernelTestsRun)('svc2nft collect on a node', () => {
  test('carries the rules of nft and iptables away as they are in the kernel', async () => {
    const lines = await runInNamespace(`
      file=$(mktemp) other=$(mktemp)
      ip link set lo up; ip address add 192.0.2.11/32 dev lo
      nft -f ${rules}
      nft add table inet other '{ chain in { type filter hook input priority 5; policy accept; tcp dport 9 accept; }; }'
      iptables-nft -t nat -N KUBE-SERVICES
      iptables-nft -t nat -A KUBE-SERVICES -m comment --comment 'shop/"web"' -j RETURN
      before=$(nft list ruleset 2> /dev/null | md5sum)
      svc2nft collect --node worker-1 --file $file
      [ "$before" = "$(nft list ruleset 2> /dev/null | md5sum)" ] && echo unchanged
      svc2nft collect --node worker-1 | diff -I collectedAt $file - && echo 'the same again'
      for command in 'list -o json' 'verify ${snapshot} --node worker-1 --config ${config}'; do
        svc2nft $command --ruleset kernel > $other 2>&1
        svc2nft $command --ruleset $file 2>&1 | cmp $other - && echo "equal: \${command%% *}"
      done
      grep -A 1 -e 'inet other' -e 'addresses:' $file
      grep 'KUBE-SERVICES ' $file
      grep -c 'dport 9 accept' $file
      nft add rule ip kube-proxy services drop
      svc2nft collect --node worker-1 | diff -I collectedAt $file -
      rm $file $other
    `);
    expect(lines).toEqual([
      'unchanged',
      'the same again',
      'equal: list',
      'equal: verify',
      'addresses:',
      '  - 192.0.2.11',
      '--',
      '  inet other:',
      '    - "in: type filter hook input priority 5, policy accept"',
      '    :KUBE-SERVICES - [0:0]',
      '    -A KUBE-SERVICES -m comment --comment "shop/\\"web\\"" -j RETURN',
      '0',
      expect.stringMatching(/^\d+a\d+$/),
      '>     \t\tdrop',
    ]);
  });
});
