import { describe, expect, test } from 'vitest';
import { describeChanges } from '../../../src/inspect/changes/describe-changes.ts';
import { renderChanges } from '../../../src/inspect/changes/render-changes.ts';
import type { Chain, Element, Ruleset } from '../../../src/nft/ruleset.ts';
import { rulesetOf, service6 } from './shop.ts';
import { goTo, linesToRepair, withChain, withElements, withoutSources, withSet } from './tamper.ts';

describe('elements that others added', () => {
  const added = (key: string, comment?: string): Ruleset =>
    withSet('service-ips', ({ elements }) => ({
      elements: [...elements, { key, value: { kind: 'goto', chain: 'tcp-cluster-3' }, ...(comment && { comment }) }],
    }));

  test.each([
    { what: 'no comment', comment: undefined },
    { what: 'a comment of their own', comment: 'do not touch' },
    { what: 'terminal codes', comment: '\u001b[2Jshop/cart:http' },
    { what: 'a line feed', comment: 'shop/cart:http\nshop/x' },
    { what: 'upper case', comment: 'Shop/Cart' },
    { what: 'a name that looks like ours', comment: '(unknown)' },
    { what: 'too many characters', comment: `shop/${'x'.repeat(64)}` },
  ])('$what', ({ comment }) => {
    expect(linesToRepair(added('10.1.1.1 . tcp . 80', comment))).toEqual(['(unknown)  gone: 10.1.1.1:80/tcp']);
  });

  test('keys of another shape are shown, and steer no terminal', () => {
    expect(linesToRepair(added('10.1.1.1\u001b[2J . tcp . x\u202e'))).toEqual([
      '(unknown)  gone: 10.1.1.1\\u001b[2J . tcp . x\\u202e',
    ]);
  });

  test('a comment on one of several elements is enough', () => {
    const guarded: Element = { key: '198.18.0.10 . tcp . 80', comment: 'shop/other' };
    const found = withoutSources(guarded, added('10.1.1.1 . tcp . 80', 'shop/mine'));
    expect(linesToRepair(found)).toEqual([
      'shop/cart:http  source ranges removed: open to all clients',
      'shop/mine  gone: 10.1.1.1:80/tcp',
    ]);
  });
});

test('chains that pick among chains that pick are not followed', () => {
  const six = rulesetOf({ services: [service6('cart', ['1.10', '2.20'], { sessionAffinity: 'ClientIP' })] }, 'ip6');
  const name = 'sticky-cluster/shop/cart/tcp/http';
  const pick = six.chains.find((chain) => chain.name === name);
  const deeper = { name: 'deeper', rules: pick?.rules ?? [] };
  const found = withChain(name, [[{ kind: 'random-goto', chains: ['deeper', 'deeper'] }]], {
    ...six,
    chains: [...six.chains, deeper],
  });
  const [line] = renderChanges(describeChanges(found, six), { color: false });
  expect(line).toContain('not understood -> all endpoints (0 -> 2)');
});

test('long lines of chains end', () => {
  const chains = Array.from(
    { length: 50_000 },
    (_, index): Chain => ({
      name: `link-${index}`,
      rules: [[goTo(`link-${index + 1}`)], [goTo(`link-${index + 1}`)]],
    }),
  );
  const found = withElements('service-ips', (element) => ({ ...element, value: { kind: 'goto', chain: 'link-0' } }));
  const [line] = linesToRepair({ ...found, chains: [...found.chains, ...chains] });
  expect(line).toContain('not understood -> all endpoints (0 -> 3) at 10.96.0.10:80/tcp');
});
