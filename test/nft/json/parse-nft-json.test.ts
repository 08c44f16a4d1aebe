import { expect, test } from 'vitest';
import { NftJsonError } from '../../../src/nft/json/read-nft-json.ts';
import { knownNames } from '../../../src/phases/5-plan/names.ts';
import { parseNftJson } from './parse-nft-json.ts';

const table = { family: 'ip', table: 'svc2nft' } as const;

test('JSON is read', () => {
  const text = '{"nftables": [{"table": {"family": "ip", "name": "svc2nft", "handle": 1}}]}';
  expect(parseNftJson(text, table, knownNames)).toEqual({
    isDormant: false,
    ruleset: { family: 'ip', table: 'svc2nft', comment: 'Kubernetes Services, by svc2nft', sets: [], chains: [] },
    dynamic: new Map(),
    deviations: [],
  });
});

test.each([
  ['', 'nft printed nothing for table ip svc2nft'],
  // nft 1.0.6 on a table with flags.
  [
    '{"nftables": [{"table": {"family": "ip", "name": "svc2nft", "handle": 1, "flags": ',
    'nft did not print whole JSON for table ip svc2nft',
  ],
])('%j is refused', (text, message) => {
  expect(() => parseNftJson(text, table, knownNames)).toThrow(new NftJsonError(message));
});
