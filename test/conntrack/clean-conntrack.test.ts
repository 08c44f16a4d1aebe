import { describe, expect, it } from 'vitest';
import { cleanConntrack } from '../../src/apply/clean-conntrack.ts';
import type { UdpExpectations } from '../../src/conntrack/expect-udp.ts';
import type { RunProgram } from '../../src/kernel/run-program.ts';
import { clean, deleted, failure, line, prefix, result } from './fake-conntrack.ts';

const four: UdpExpectations = {
  family: 'ip',
  endpointAddresses: new Map([['10.96.0.10:53', new Set(['10.244.1.1:5353'])]]),
  nodePorts: new Map(),
  nodePortAddresses: new Set(),
};
const six: UdpExpectations = {
  family: 'ip6',
  endpointAddresses: new Map(),
  nodePorts: new Map([[30053, new Set()]]),
  nodePortAddresses: new Set(['fd00::11']),
};

const listFour = '-L -p udp -f ipv4';
const listSix = '-L -p udp -f ipv6';
const good = line('10.96.0.10', 53, '10.244.1.1', 5353);
const stale = line('10.96.0.10', 53, '10.244.9.9', 5353);
const deleteStale =
  '-D -p udp -f ipv4 --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.244.9.9 --reply-port-src 5353';

const denial = failure('Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this');

describe('cleanConntrack', () => {
  it('lists once and deletes nothing when nothing is stale', async () => {
    expect(await clean([four], [listFour, result({ stdout: good })])).toEqual({ deleted: 0 });
  });

  it('tells the time that each family took, where there is a clock', async () => {
    let time = 0;
    const run = async (_: string, [command = '']: readonly string[]) => {
      time += 4;
      return command === '-L' ? result({ stdout: stale }) : deleted(stale);
    };
    const expectations = [four, { ...six, endpointAddresses: new Map(), nodePorts: new Map() }];
    expect(await cleanConntrack({ expectations, run, now: () => time })).toEqual({
      deleted: 1,
      families: [{ family: 'ip', deleted: 1, duration: 8 }],
    });
  });

  it('runs nothing for a family in which nothing is expected', async () => {
    expect(await clean([{ ...four, endpointAddresses: new Map() }])).toEqual({ deleted: 0 });
  });

  it('deletes the flows of many clients with one command for each answering endpoint', async () => {
    const many = [1, 2, 3].map((port) => line('10.96.0.10', 53, '10.244.9.9', 5353, port)).join('');
    const other = line('10.96.0.10', 53, '10.244.1.1', 5354);
    expect(
      await clean(
        [four],
        [listFour, result({ stdout: many + good + other + good })],
        [deleteStale, deleted(many)],
        [
          '-D -p udp -f ipv4 --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.244.1.1 --reply-port-src 5354',
          deleted(other),
        ],
      ),
    ).toEqual({ deleted: 4 });
  });

  it('goes through all families', async () => {
    const port = line('fd00::11', 30053, 'fd00::11', 30053);
    expect(
      await clean(
        [four, six],
        [listFour, result({ stdout: stale })],
        [deleteStale, deleted(stale)],
        [listSix, result({ stdout: port })],
        [
          '-D -p udp -f ipv6 --orig-dst fd00::11 --orig-port-dst 30053 --reply-src fd00::11 --reply-port-src 30053',
          deleted(port),
        ],
      ),
    ).toEqual({ deleted: 2 });
  });

  it('never names an entry of TCP or SCTP', async () => {
    const others = stale.replace('udp      17', 'tcp      6') + stale.replace('udp      17', 'sctp     132');
    expect(await clean([four], [listFour, result({ stdout: others })])).toEqual({ deleted: 0 });
  });

  it('is content when a flow has ended by itself', async () => {
    const none = failure('0 flow entries have been deleted.');
    expect(await clean([four], [listFour, result({ stdout: stale })], [deleteStale, none])).toEqual({ deleted: 0 });
  });

  it('tries again when a flow ended while conntrack was at it, and counts all', async () => {
    const gone = { ...failure("Operation failed: such conntrack doesn't exist"), stdout: stale };
    expect(
      await clean(
        [four],
        [listFour, result({ stdout: stale })],
        [deleteStale, gone],
        [deleteStale, deleted(stale + stale)],
      ),
    ).toEqual({ deleted: 3 });
    expect(
      await clean([four], [listFour, result({ stdout: stale })], ...[1, 2, 3].map(() => [deleteStale, gone] as const)),
    ).toEqual({ deleted: 3, failed: "IPv4: Operation failed: such conntrack doesn't exist" });
  });

  it('uses what was read before the kernel broke the listing off', async () => {
    const partial = { ...failure('Operation failed: Interrupted system call'), stdout: stale };
    expect(await clean([four], [listFour, partial], [deleteStale, deleted(stale)])).toEqual({ deleted: 1 });
  });

  it('deletes nothing after a listing that failed otherwise, and says why for each family', async () => {
    const broken = { ...failure('Operation failed: Invalid argument'), stdout: stale };
    expect(await clean([four, six], [listFour, broken], [listSix, denial])).toEqual({
      deleted: 0,
      failed:
        'IPv4: Operation failed: Invalid argument; IPv6: Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this',
    });
  });

  it('goes on with the other groups after one that cannot be deleted', async () => {
    const other = line('10.96.0.10', 53, '10.244.9.8', 5353);
    expect(
      await clean(
        [four],
        [listFour, result({ stdout: stale + other })],
        [deleteStale, failure('Operation failed: Device or resource busy')],
        [deleteStale.replace('10.244.9.9', '10.244.9.8'), deleted(other)],
      ),
    ).toEqual({ deleted: 1, failed: 'IPv4: Operation failed: Device or resource busy' });
  });

  it('stops when conntrack is ended from outside', async () => {
    const killed = result({ exitCode: undefined, signal: 'SIGTERM' });
    const other = line('10.96.0.10', 53, '10.244.9.8', 5353);
    expect(await clean([four], [listFour, result({ stdout: stale + other })], [deleteStale, killed])).toEqual({
      deleted: 0,
      failed: 'IPv4: conntrack was ended by SIGTERM',
    });
  });

  it('leaves the rest for the next time when there are too many groups', async () => {
    const lines = Array.from({ length: 1_003 }, (_, port) => line('10.96.0.10', 53, '10.244.9.9', port + 1));
    let count = 0;
    const run: RunProgram = async (_, args) => {
      count += 1;
      return args[0] === '-L' ? result({ stdout: lines.join('') }) : deleted(stale);
    };
    expect(await cleanConntrack({ expectations: [four], run })).toEqual({
      deleted: 1_000,
      failed: 'IPv4: stale flows to 3 more endpoints are left for the next run',
    });
    expect(count).toBe(1_001);
  });
});

describe('a conntrack that cannot be used', () => {
  it.each([
    [result({ exitCode: undefined, stderr: 'printed more than 500 MB' }), 'conntrack printed more than 500 MB'],
    [result({ exitCode: undefined, timedOut: 60_000 }), 'conntrack did not finish in 60 s'],
  ])(
    'prints without end: its output is not kept, and the other family is left for the next time',
    async (end, said) => {
      const calls: string[] = [];
      const run: RunProgram = async (_, args, _input, options) => {
        calls.push(args.join(' '));
        for (let count = 0; count < 100; count += 1) {
          options?.onOutput?.(new TextEncoder().encode(stale));
        }
        return end;
      };
      expect(await cleanConntrack({ expectations: [four, six], run })).toEqual({ deleted: 0, failed: `IPv4: ${said}` });
      expect(calls).toEqual([listFour]);
    },
  );

  it('prints to whoever listens: nothing is lost', async () => {
    const run: RunProgram = async (_, args, _input, options) => {
      options?.onOutput?.(new TextEncoder().encode(stale));
      return args[0] === '-L' ? result() : result({ stderr: `${prefix} 1 flow entries have been deleted.\n` });
    };
    expect(await cleanConntrack({ expectations: [four], run })).toEqual({ deleted: 1 });
  });

  it('is missing, which is said once', async () => {
    const missing = result({ exitCode: undefined, missing: true });
    expect(await clean([four, six], [listFour, missing])).toEqual({ deleted: 0, missing: true });
  });

  it.each([
    ['is not executable', result({ exitCode: undefined, denied: true }), 'conntrack is not executable'],
    [
      'has no kernel module to talk to',
      result({ exitCode: 1, stderr: `mnl_socket_open: Protocol not supported\n${prefix} Can't open handler\n` }),
      'mnl_socket_open: Protocol not supported',
    ],
    ['says nothing', result({ exitCode: 71 }), 'conntrack ended with exit code 71'],
    ['is killed', result({ exitCode: undefined, signal: 'SIGKILL' }), 'conntrack was ended by SIGKILL'],
    [
      'takes too long',
      result({ exitCode: undefined, signal: 'SIGTERM', timedOut: 60_000 }),
      'conntrack did not finish in 60 s',
    ],
    ['does not know an option', result({ exitCode: 2, stderr: `${prefix} unknown option\nTry` }), 'unknown option'],
    ['prints controls', result({ exitCode: 1, stderr: '\u001b[31mred\n' }), '\\u001b[31mred'],
    ['prints a lot', result({ exitCode: 1, stderr: 'x'.repeat(5_000) }), 'x'.repeat(200)],
  ])('%s', async (_, answer, words) => {
    expect(await clean([four], [listFour, answer])).toEqual({ deleted: 0, failed: `IPv4: ${words}` });
  });
});
