import { expect, test } from 'vitest';
import { ListingError, parseListing } from '../../../src/nft/json/read-listing.ts';

const table = { family: 'ip', table: 'svc2nft' } as const;

test('JSON is read', () => {
  const text = '{"nftables": [{"table": {"family": "ip", "name": "svc2nft", "handle": 1}}]}';
  expect(parseListing(text, table)).toEqual({
    isDormant: false,
    ruleset: { family: 'ip', table: 'svc2nft', comment: 'Kubernetes Services, by svc2nft', sets: [], chains: [] },
    dynamic: new Map(),
    oddities: [],
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
  expect(() => parseListing(text, table)).toThrow(new ListingError(message));
});
