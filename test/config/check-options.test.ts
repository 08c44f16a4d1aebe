import { expect, test } from 'vitest';
import {
  addressProblem,
  interfaceNameProblem,
  markBitProblem,
  nodeNameProblem,
  tableNameProblem,
} from '../../src/config/check-options.ts';

test.each(['map', 'socket', 'th', 'table', 'cpu', 'time', 'mh', 'gc-interval', 'hooks', 'vxlan'])(
  '%s is a reserved word of nft, so not the name of a table',
  (word) => {
    expect(tableNameProblem(word)).toBe(`"${word}" is a reserved word of nft, so it cannot be the name of a table`);
  },
);

test.each(['svc2nft', 'A', 'a.b_c-d', `a${'b'.repeat(30)}`, 'sockets', 'hash', 'minute', 'Cpu'])(
  '%s may be the name of a table',
  (name) => {
    expect(tableNameProblem(name)).toBeUndefined();
  },
);

test.each(['', '1a', 'a b', `a${'b'.repeat(31)}`, 'ä'])('%j is not a valid table name', (name) => {
  expect(tableNameProblem(name)).toMatch(/ is not a valid table name; expected a letter, then up to 30 /);
});

test('the bits of the packet mark are 0 to 31', () => {
  expect([0, 14, 31].map(markBitProblem)).toEqual([undefined, undefined, undefined]);
  expect(markBitProblem(32)).toBe('32 is not a bit of the packet mark; expected 0 to 31');
  expect([-1, 1.5, Number.NaN].map((bit) => markBitProblem(bit) !== undefined)).toEqual([true, true, true]);
});

test('a problem is one clause that quotes the value', () => {
  expect(addressProblem('192.0.2')).toBe('"192.0.2" is not a valid IP address');
  expect(interfaceNameProblem('br0\n')).toBe(
    '"br0\\n" is not a valid interface name; expected 1 to 15 letters, digits or _ . @ + -',
  );
});

test.each(['a', '1', 'a.b', 'a-b.c', 'a'.repeat(253), `${'a.'.repeat(126)}b`])(
  '%s may be the name of a Node',
  (name) => {
    expect(nodeNameProblem(name)).toBeUndefined();
  },
);

test.each(['', 'a'.repeat(254), `${'a.'.repeat(126)}bc`, 'A', '-a', 'a-', '.a', 'a..b', 'a.', 'a_b', 'a\n'])(
  '%j is not the name of a Node',
  (name) => {
    expect(nodeNameProblem(name)).toMatch(/ is not a valid node name; expected lowercase letters, digits, - and \.$/);
  },
);
