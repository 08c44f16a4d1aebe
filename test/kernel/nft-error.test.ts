import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  classifyNftError,
  createNftError,
  formatNftError,
  type NftErrorKind,
  nftRemedies,
} from '../../src/kernel/nft-error.ts';
import type { ProgramResult } from '../../src/kernel/run-program.ts';

const failed: ProgramResult = {
  exitCode: 1,
  signal: undefined,
  stdout: '',
  stderr: '',
  missing: false,
  denied: false,
};

/** What nft 1.0.6 and 1.1.3 really said, on Linux 6.18. Where one case has two texts, the first is that of 1.0.6. */
const sayings: readonly (readonly [NftErrorKind, string, ...string[]])[] = [
  [
    'no-permission',
    'a load without privileges',
    '/dev/stdin:1:1-16: Error: Could not process rule: Operation not permitted\nadd table ip nn\n^^^^^^^^^^^^^^^^\n',
  ],
  [
    'no-permission',
    'a listing without privileges',
    'Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed: Operation not permitted\n',
  ],
  [
    'no-permission',
    'a filter of system calls',
    'mnl.c:60: Unable to initialize Netlink socket: Operation not permitted\n',
    'src/mnl.c:64: Unable to initialize Netlink socket: Operation not permitted\n',
  ],
  ['nft-too-old', 'an option of newer ones', "nft: unrecognized option '--frob'\n"],
  ['nft-too-old', 'a short option of newer ones', "nft: invalid option -- 't'\n"],
  [
    'kernel-too-old',
    'another priority for a chain',
    `/dev/stdin:1:1-59: Error: Could not process rule: Operation not supported
add chain ip t base { type filter hook input priority 5; }
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  ],
  [
    'kernel-too-old',
    'a type of chain that does not exist for the family',
    `/dev/stdin:2:1-59: Error: Could not process rule: Operation not supported
add chain arp z d { type filter hook forward priority 0; }
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    `/dev/stdin:2:21-55: Error: Chain of type "filter" is not supported, perhaps kernel support is missing?
add chain arp z d { type filter hook forward priority 0; }
                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  ],
  [
    'kernel-too-old',
    'no module for numgen',
    `/dev/stdin:144:35-55: Error: Could not process rule: No such file or directory
		dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
		                                ^^^^^^^^^^^^^^^^^^^^^
/dev/stdin:148:35-55: Error: Could not process rule: No such file or directory
		dnat ip to ip daddr . tcp dport . numgen random mod 3 map @tcp-endpoints
		                                ^^^^^^^^^^^^^^^^^^^^^
`,
  ],
  [
    'kernel-too-old',
    'no module for nat',
    `/dev/stdin:144:3-6: Error: Could not process rule: No such file or directory
		dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints
		^^^^
`,
  ],
  [
    'kernel-too-old',
    'no module for reject',
    `/dev/stdin:183:3-8: Error: Could not process rule: No such file or directory
		reject
		^^^^^^
`,
  ],
  [
    'kernel-too-old',
    'no module for chains of type nat',
    `/dev/stdin:242:8-10: Error: No such file or directory; did you mean chain ‘nat-prerouting’ in table ip ‘svc2nft’?
		type nat hook prerouting priority -100; policy accept;
		     ^^^
`,
    `/dev/stdin:242:8-10: Error: Could not process rule: No such file or directory
		type nat hook prerouting priority -100; policy accept;
		     ^^^
`,
  ],
  ['kernel-too-old', 'no nf_tables', 'netlink: Error: cache initialization failed: Invalid argument\n'],
  [
    'kernel-too-old',
    'no IPv6',
    'netlink: Error: cache initialization failed: Address family not supported by protocol\n',
  ],
  ['kernel-too-old', 'no netlink', 'mnl.c:60: Unable to initialize Netlink socket: Protocol not supported\n'],
  [
    'message-too-long',
    'much in a user namespace',
    'netlink: Error: Could not process rule: Message too long\n',
    `netlink: Error: Could not process rule: Message too long
Please, rise /proc/sys/net/core/wmem_max on the host namespace. Hint: 4194304 bytes
`,
  ],
  [
    'no-buffer-space',
    '20,000 absent elements in one command',
    'netlink: Error: Could not process rule: No buffer space available\n',
  ],
  [
    'no-buffer-space',
    'the same while listing',
    'netlink: Error: cache initialization failed: No buffer space available\n',
  ],
  [
    'out-of-memory',
    'little memory for nft',
    'utils.c:38: Memory allocation failure\n',
    'src/utils.c:33: Memory allocation failure\n',
  ],
  ['out-of-memory', 'little memory for the kernel', 'netlink: Error: Could not process rule: Cannot allocate memory\n'],
  ['interrupted', 'a signal while sending', 'netlink: Error: Could not process rule: Interrupted system call\n'],
  [
    'busy',
    'a chain in use',
    `/dev/stdin:1:19-19: Error: Could not process rule: Device or resource busy
delete chain ip t b
                  ^
`,
  ],
  ['busy', 'a busy kernel', 'netlink: Error: Could not process rule: Resource temporarily unavailable\n'],
  [
    'file-exists',
    'an element with another verdict',
    `/dev/stdin:1:22-28: Error: Could not process rule: File exists
add element ip t v { 1.2.3.4 : goto a }
                     ^^^^^^^
`,
  ],
  [
    'file-exists',
    'another hook for a chain',
    `/dev/stdin:1:16-19: Error: Could not process rule: File exists
add chain ip t base { type nat hook input priority 0; }
               ^^^^
`,
    `/dev/stdin:1:23-55: Error: Chain "base" already exists in table ip 't' with different declaration
add chain ip t base { type filter hook input priority 5; }
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  ],
  [
    'no-such-file',
    'an absent element',
    `/dev/stdin:1:25-31: Error: Could not process rule: No such file or directory
delete element ip t s { 1.1.1.1 }
                        ^^^^^^^
`,
  ],
  [
    'no-such-file',
    'an absent chain that is like another one',
    `/dev/stdin:1:22-24: Error: No such file or directory; did you mean chain ‘base’ in table ip ‘t’?
add rule ip t a jump zzz
                     ^^^
`,
    `/dev/stdin:1:22-24: Error: No such file or directory; did you mean chain 'base' in table ip 't'?
add rule ip t a jump zzz
                     ^^^
`,
  ],
  [
    'no-such-file',
    'an absent chain whose name begins like an expression',
    `/dev/stdin:1:22-33: Error: Could not process rule: No such file or directory
add rule ip t a jump reject-chain
                     ^^^^^^^^^^^^
`,
  ],
  [
    'no-such-file',
    'a listing of what is not there',
    'Error: No such file or directory\nlist table ip zzz\n              ^^^\n',
  ],
  [
    'syntax',
    'an unknown command',
    'Error: syntax error, unexpected newline, expecting string\nfrobnicate\n          ^\n',
    'Error: syntax error, unexpected newline, expecting string or last\nfrobnicate\n          ^\n',
  ],
  [
    'syntax',
    'an unknown word in a rule',
    '/dev/stdin:3:5-8: Error: No symbol type information\n    frob 3\n    ^^^^\n',
  ],
  [
    'syntax',
    'an address of the other family, though it talks of support',
    `/dev/stdin:1:22-28: Error: Could not resolve hostname: Address family for hostname not supported
add element ip t s { fe80::1 }
                     ^^^^^^^
`,
  ],
  [
    'syntax',
    'ranges that overlap',
    `/dev/stdin:2:35-45: Error: conflicting intervals specified
add element ip t iv { 10.0.0.0/8, 10.1.0.0/16 }
                      ~~~~~~~~~~  ^^^^^^^^^^^
`,
  ],
  [
    'syntax',
    'a wrong type, quoting words of other kinds',
    `/dev/stdin:2:22-28: Error: invalid data type, expected concatenation of (IPv4 address, internet network service)
add element ip t m { 1.2.3.4 comment "File exists" : jump zzz }
                     ^^^^^^^
`,
  ],
  [
    'crashed',
    'a failed assertion behind a shell',
    "nft: netlink_linearize.c:799: netlink_gen_expr: Assertion `dreg < ctx->reg_low' failed.\n",
  ],
  [
    'refused',
    'a full set',
    `/dev/stdin:2:35-41: Error: Could not process rule: Too many open files in system
add element ip t small { 1.1.1.1, 2.2.2.2 }
                                  ^^^^^^^
`,
  ],
  [
    'refused',
    'too many jumps in a row',
    `/dev/stdin:38:1-27: Error: Could not process rule: Too many links
add rule ip t c15 jump c16
^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
  ],
  ['refused', 'silence', ''],
];

describe('what nft says', () => {
  const cases = sayings.map(([kind, name, ...texts]) => ({ kind, name, texts }));

  test.each(cases)('$kind: $name', ({ kind, texts }) => {
    for (const stderr of texts) {
      expect(classifyNftError({ ...failed, stderr })).toMatchObject({ kind, ...nftRemedies[kind] });
    }
  });

  test('of several errors the first counts, of a warning not even that', () => {
    const stderr = `/dev/stdin:1:1-4: Warning: this is deprecated, File exists
add
^^^
/dev/stdin:2:19-19: Error: Could not process rule: Device or resource busy
delete chain ip t b
                  ^
/dev/stdin:3:25-31: Error: Could not process rule: No such file or directory
`;
    expect(classifyNftError({ ...failed, stderr }).kind).toBe('busy');
  });
});

describe('how nft ends', () => {
  test.each<[NftErrorKind, Partial<ProgramResult>, string[]]>([
    ['not-found', { exitCode: undefined, missing: true, stderr: 'spawn nft ENOENT' }, ['nft is not installed']],
    [
      'not-found',
      { exitCode: 127, stderr: 'nft: error while loading shared libraries: libnftables.so.1: cannot open\n' },
      ['nft: error while loading shared libraries: libnftables.so.1: cannot open'],
    ],
    ['no-permission', { exitCode: undefined, denied: true, stderr: 'spawn nft EACCES' }, ['nft is not executable']],
    ['interrupted', { exitCode: undefined, signal: 'SIGKILL' }, ['ended by SIGKILL']],
    ['interrupted', { exitCode: undefined, signal: 'SIGTERM', stderr: 'aborted' }, ['ended by SIGTERM', 'aborted']],
    [
      'crashed',
      { exitCode: undefined, signal: 'SIGABRT', stderr: "nft: a.c:1: f: Assertion `x' failed.\n" },
      ['ended by SIGABRT', "nft: a.c:1: f: Assertion `x' failed."],
    ],
    ['crashed', { exitCode: undefined, signal: 'SIGSEGV' }, ['ended by SIGSEGV']],
    ['timed-out', { exitCode: undefined, signal: 'SIGTERM', timedOut: 90_000 }, ['nft did not finish in 90 s']],
    ['timed-out', { exitCode: 1, timedOut: 30_500, stderr: 'why\n' }, ['nft did not finish in 30.5 s', 'why']],
    ['timed-out', { exitCode: undefined, signal: 'SIGKILL', timedOut: 1 }, ['nft did not finish in 0.001 s']],
    ['busy', { exitCode: undefined, stderr: 'spawn nft EAGAIN' }, ['spawn nft EAGAIN']],
    ['out-of-memory', { exitCode: undefined, stderr: 'spawn ENOMEM' }, ['spawn ENOMEM']],
    ['refused', { exitCode: 1 }, ['exit code 1']],
    ['refused', { exitCode: undefined }, ['exit code unknown']],
  ])('%s: %o', (kind, result, said) => {
    expect(classifyNftError({ ...failed, ...result })).toMatchObject({ kind, said });
  });
});

describe('what is kept', () => {
  test('nothing that a terminal would obey, and the underline stays below its word', () => {
    const stderr = '/dev/stdin:1:3-5: Error: \u001b[2Jbad\r\n\t\tdrop \u202edrop\n\t\t^^^^\n';
    expect(classifyNftError({ ...failed, stderr }).said).toEqual([
      '/dev/stdin:1:3-5: Error: \\u001b[2Jbad\\r',
      '  drop \\u202edrop',
      '  ^^^^',
    ]);
  });

  test('the first three errors', () => {
    const one = '/dev/stdin:1:1-3: Error: Could not process rule: File exists\nadd\n^^^\n';
    expect(classifyNftError({ ...failed, stderr: one.repeat(5000) }).said).toEqual(
      [1, 2, 3].flatMap(() => ['/dev/stdin:1:1-3: Error: Could not process rule: File exists', 'add', '^^^']),
    );
  });

  test('of a long line what is underlined', () => {
    const stderr = `Error: File exists\n${'a'.repeat(30_000)}1.2.3.4${'b'.repeat(20_000)}\n${' '.repeat(30_000)}^^^^^^^\n`;
    expect(classifyNftError({ ...failed, stderr }).said).toEqual([
      'Error: File exists',
      `…${'a'.repeat(40)}1.2.3.4${'b'.repeat(113)}…`,
      `…${' '.repeat(40)}^^^^^^^`,
    ]);
  });

  test('of a long line without an underline its beginning', () => {
    expect(classifyNftError({ ...failed, stderr: `Error: ${'a'.repeat(200)}` }).said).toEqual([
      `Error: ${'a'.repeat(153)}…`,
    ]);
  });
});

test('an error for people', () => {
  expect(formatNftError(createNftError('no-permission', ['netlink: Error: x', 'y']))).toBe(`nft: no-permission
    netlink: Error: x
    y
Run svc2nft as root, or with CAP_NET_ADMIN in the network namespace.`);
});

test('the documentation has a row for each kind, with what svc2nft does', () => {
  const text = readFileSync(new URL('../../docs/nft-errors.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \|.*\| (.*) \| .* \|$/gm)].map(([, kind, does]) => [kind, does]);
  const expected = Object.entries(nftRemedies).map(([kind, { retry, rebuild, bisect }]) => {
    const steps = [retry && 'tries again', rebuild && 'rebuilds the table', bisect && 'leaves Services out'];
    return [kind, steps.filter((step) => step !== false).join(', ') || 'nothing'];
  });
  expect(rows).toEqual(expected);
});
