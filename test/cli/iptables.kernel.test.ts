import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runInNamespace } from '../support/run-in-namespace.ts';
import { shop } from './shop.ts';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'svc2nft-test-'));
  writeFileSync(join(folder, 'three.json'), shop());
  writeFileSync(join(folder, 'two.json'), shop({ cart: ['10.244.1.11', '10.244.1.12'] }));
  for (const variant of ['nft', 'legacy']) {
    mkdirSync(join(folder, variant));
    for (const program of ['iptables', 'ip6tables']) {
      for (const part of ['', '-save', '-restore']) {
        symlinkSync(`/usr/sbin/${program}-${variant}${part}`, join(folder, variant, `${program}${part}`));
      }
    }
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a script whose `apply FILE` is `svc2nft apply --target iptables`, for IPv4, on a machine that has chosen a variant. */
function onMachine(variant: string, script: string): Promise<string[]> {
  const prelude = `
    PATH=${folder}/${variant}:$PATH
    flags="--target iptables --cluster-cidr 10.244.0.0/16 --family ip --node-ip 192.0.2.11"
    apply() { svc2nft apply ${folder}/$1.json $flags "\${@:2}"; }
    saved() { iptables-save | grep -v '^#'; }
    sysctl -qw net.ipv4.conf.all.route_localnet=1
  `;
  return runInNamespace(prelude + script);
}

describe.skipIf(!kernelTestsRun).each(['nft', 'legacy'])('kernel: rules of iptables, %s', (variant) => {
  test('are the same after any way, and nothing is done twice', async () => {
    const lines = await onMachine(
      variant,
      `
      apply three; saved > ${folder}/first; apply three; apply two; apply three; saved | diff ${folder}/first - && echo same
    `,
    );
    expect(lines).toEqual([
      'iptables: created (19 chains added, 14 jumps put first)',
      'iptables: up to date',
      'iptables: changed (1 chain written, 1 chain deleted)',
      'iptables: changed (1 chain added, 1 chain written)',
      'same',
    ]);
  });

  test('of others stay, behind the jumps', async () => {
    const lines = await onMachine(
      variant,
      `
      iptables -P FORWARD DROP; iptables -t nat -N CNI; iptables -t nat -A POSTROUTING -j CNI; iptables -A INPUT -p tcp --dport 22 -j ACCEPT
      saved > ${folder}/others; apply three; iptables -t nat -I OUTPUT -j CNI; iptables -F SVC2NFT-FORWARD; apply three
      iptables-save -t nat | grep -e '-A OUTPUT '
      saved | grep -v SVC2NFT | grep -c .; grep -c . ${folder}/others
    `,
    );
    expect(lines.slice(0, -2)).toEqual([
      'iptables: created (19 chains added, 14 jumps put first)',
      'iptables: changed (1 chain written, 1 jump put first)',
      '-A OUTPUT -m comment --comment "Kubernetes Services" -j SVC2NFT-SERVICES',
      '-A OUTPUT -j CNI',
    ]);
    const [after, before] = lines.slice(-2).map(Number);
    expect(after).toBe(Number(before) + 1);
  });

  test('are completed after an end between the two tables', async () => {
    const lines = await onMachine(
      variant,
      `
      apply three; saved > ${folder}/first
      iptables -t nat -F; iptables-save -t nat | grep ^:SVC2NFT | sed 's/^:/-X /; s/ - .*//' | (echo '*nat'; cat; echo COMMIT) | iptables-restore --noflush
      apply three; saved | diff ${folder}/first - && echo same
    `,
    );
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^iptables: changed \(\d+ chains added, 3 jumps put first\)$/),
      'same',
    ]);
  });

  test('of several applies at the same time are those of one of them', async () => {
    const lines = await onMachine(
      variant,
      `
      apply three > /dev/null; saved > ${folder}/three; apply two > /dev/null; saved > ${folder}/two
      for turn in 1 2 3; do apply three &> /dev/null & apply two &> /dev/null & done; wait
      saved > ${folder}/end; cmp -s ${folder}/end ${folder}/three || cmp -s ${folder}/end ${folder}/two && echo one
    `,
    );
    expect(lines).toEqual(['one']);
  });

  test('are removed by clean from both variants, and others stay', async () => {
    const lines = await onMachine(
      variant,
      `
      all() { for v in nft legacy; do iptables-$v-save; ip6tables-$v-save; done 2> /dev/null; }
      iptables -t nat -A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE; ip6tables -A INPUT -p tcp -j ACCEPT; all | grep ^-A > ${folder}/before
      for v in nft legacy; do PATH=${folder}/$v:$PATH apply three > /dev/null; done
      svc2nft apply ${folder}/three.json --target iptables --cluster-cidr fd00::/48 --family ip6 --node-ip 2001:db8::11 > /dev/null
      all | grep -c 'SVC2NFT-SERVICES - '; svc2nft clean --target iptables; svc2nft clean; all | grep -c SVC2NFT
      all | grep ^-A | diff ${folder}/before - && echo same
    `,
    );
    expect(lines.filter((line) => !line.startsWith('note:') && !line.startsWith('    Use'))).toEqual([
      '6',
      ...['iptables: removed', 'ip6tables: removed'],
      ...['table ip svc2nft: not found', 'table ip6 svc2nft: not found'],
      ...['0', 'same'],
    ]);
  });

  test('that iptables-restore refuses leave the kernel as it was', async () => {
    const lines = await onMachine(
      variant,
      `
      mkdir -p ${folder}/${variant}-broken
      printf '#!/bin/sh\\nsed "s/--reject-with tcp-reset/--reject-with nothing/" | ${folder}/${variant}/iptables-restore "$@"\\n' > ${folder}/${variant}-broken/iptables-restore
      chmod +x ${folder}/${variant}-broken/iptables-restore
      PATH=${folder}/${variant}-broken:$PATH; apply three; saved | grep -c SVC2NFT || true
    `,
    );
    expect(lines).toEqual([
      'error: iptables: refused',
      expect.stringContaining('nothing'),
      expect.stringMatching(/^ {4}Error occurred at line: \d+$/),
      expect.stringMatching(/^ {4}line \d+, in table filter: -A SVC2NFT-\S+ .*--reject-with tcp-reset$/),
      expect.any(String),
      'iptables: not changed',
      'exit code 3',
      '0',
    ]);
  });
});

test.skipIf(!kernelTestsRun)('kernel: loopback addresses are closed to all but this node', async () => {
  const lines = await onMachine(
    'nft',
    `
    ip link set lo up; ip link add out0 type veth peer name out0-peer; ip link set out0 up; ip link set out0-peer up
    ip addr add 192.0.2.11/24 dev out0; ip route add default via 192.0.2.1
    sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.out0.rp_filter=0 net.ipv4.conf.all.route_localnet=1
    send() { python3 ${resolve('test/support/send-from-outside.py')} 203.0.113.9 out0 127.0.0.9 out0 192.0.2.11 lo 127.0.0.1 lo; }
    send; sysctl -qw net.ipv4.conf.all.route_localnet=0
    apply three; sysctl net.ipv4.conf.all.route_localnet; send; apply three
  `,
  );
  expect(lines).toEqual([
    ...['203.0.113.9 received', '127.0.0.9 received', '192.0.2.11 received', '127.0.0.1 received'],
    'iptables: created (19 chains added, 14 jumps put first)',
    'net.ipv4.conf.all.route_localnet: set to 1',
    'net.ipv4.conf.all.route_localnet = 1',
    ...['203.0.113.9 dropped', '127.0.0.9 dropped', '192.0.2.11 received', '127.0.0.1 received'],
    'iptables: up to date',
  ]);
});

test.skipIf(!kernelTestsRun)('kernel: the lock of the legacy variant is waited for', async () => {
  const lines = await onMachine(
    'legacy',
    `
    export -f svc2nft apply; export flags
    unshare -m bash -c 'mount -t tmpfs none /run; (flock 9; sleep 2) 9>/run/xtables.lock & sleep 0.5; apply three; wait'
  `,
  );
  expect(lines).toEqual(['iptables: created (19 chains added, 14 jumps put first)']);
});
