import { describe, expect, test } from 'vitest';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { affinity, type Change, externalLocal, internalLocal, three, two } from './changes.ts';
import { linesBetween, rulesetOf, type Side, service6 } from './shop.ts';

/** Affinity over IPv6 has chains of its own by default, and maps with a newer nft. */
describe.each(['1.0.6', '1.1.3'] as const)('IPv6 for nft %s', (targetNft) => {
  const six = (endpoints: readonly string[], spec: object): Side => ({
    services: [service6('cart', endpoints, { ...spec })],
    options: { targetNft },
  });
  const exposed = { type: 'LoadBalancer', externalIPs: ['2001:db8::1'] };

  test.each<Change>([
    {
      name: 'an endpoint more',
      before: six(two, affinity(900)),
      after: six(three, affinity(900)),
      lines: ['shop/cart:http  2 -> 3 endpoints (+[fd00:10:244:3::30]:8080), share 50% -> 33%'],
    },
    {
      name: 'affinity off',
      before: six(two, { ...affinity(900), ...exposed }),
      after: six(two, exposed),
      lines: ['shop/cart:http  affinity off'],
    },
    {
      name: 'affinity for less time',
      before: six(two, { ...affinity(900), ...exposed }),
      after: six(two, { ...affinity(60), ...exposed }),
      lines: ['shop/cart:http  affinity 900 s -> 60 s'],
    },
    {
      name: 'internal policy Local',
      before: six(two, affinity(900)),
      after: six(two, { ...affinity(900), ...internalLocal }),
      lines: ['shop/cart:http  all endpoints -> local endpoints (2 -> 1)'],
    },
    {
      name: 'external policy Local',
      before: six(two, { ...affinity(900), ...exposed }),
      after: six(two, { ...affinity(900), ...exposed, ...externalLocal }),
      lines: [
        'shop/cart:http  all endpoints, masqueraded -> local endpoints, source kept (2 -> 1) at [2001:db8::1]:80/tcp',
      ],
    },
    {
      name: 'external policy Local loses the endpoint here',
      before: six(two, { ...affinity(900), ...exposed, ...externalLocal }),
      after: six(['2.20'], { ...affinity(900), ...exposed, ...externalLocal }),
      lines: [
        'shop/cart:http  2 -> 1 endpoints (-[fd00:10:244:1::10]:8080), share 50% -> 100%; ' +
          '1 -> 0 local endpoints: now dropped for external clients at [2001:db8::1]:80/tcp',
      ],
    },
  ])('$name', ({ before, after, lines }) => {
    expect(linesBetween(before, after, 'ip6')).toEqual(lines);
    expect(linesBetween(before, before, 'ip6')).toEqual([]);
  });
});

test('another form of the same affinity is not a difference', () => {
  const services = [service6('cart', two, { ...affinity(900), externalIPs: ['2001:db8::1'] })];
  const [old, flat] = (['1.0.6', '1.1.3'] as const).map((targetNft) =>
    rulesetOf({ services, options: { targetNft } }, 'ip6'),
  );
  expect(flat).not.toEqual(old);
  expect(describeChanges(old, flat)).toMatchObject({ gained: [], lost: [], changed: [], settings: [], chains: [] });
});
