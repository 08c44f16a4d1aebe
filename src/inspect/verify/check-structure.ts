import type { Chain, Hook, Statement } from '../../nft/ruleset.ts';
import { setsOf } from '../../nft/ruleset-parts.ts';
import type { IndexedRuleset } from '../../walk/index-ruleset.ts';
import type { Expectations } from './expectations.ts';
import type { Fault } from './verify-ruleset.ts';

/** Where the kernel has to call the table (docs/ruleset.md). */
const hooks: readonly Hook[] = [
  { type: 'filter', hook: 'prerouting', priority: -110 },
  { type: 'filter', hook: 'output', priority: -110 },
  { type: 'nat', hook: 'prerouting', priority: -100 },
  { type: 'nat', hook: 'output', priority: -100 },
  { type: 'filter', hook: 'input', priority: 0 },
  { type: 'filter', hook: 'forward', priority: 0 },
  { type: 'filter', hook: 'output', priority: 0 },
  { type: 'nat', hook: 'postrouting', priority: 100 },
];

/** For pins, where a Service has affinity: behind the translation, before anything that filters. */
const pinHooks: readonly Hook[] = [
  { type: 'filter', hook: 'prerouting', priority: -99 },
  { type: 'filter', hook: 'output', priority: -99 },
];

/** Chains for numbers of endpoints that nobody has at the moment, which an installed table keeps for a while. */
const idleChain = /^(tcp|udp|sctp)-(nodeport-)?(sticky-)?(cluster|local|external|external-local)(-[0-9]+)+$/;
const mostIdleChains = 64;

/** Always there, for whoever has no endpoints (docs/ruleset.md). */
export const rejectChain = 'reject-chain';

/** Whether all is in its place: base chains by hook and priority, and no chain or set that nothing leads to. */
export function checkStructure(
  ruleset: IndexedRuleset,
  { isInstalled, losers }: { readonly isInstalled: boolean; readonly losers: Expectations['losers'] },
): Fault[] {
  const reached = reachFrom(
    [...ruleset.chains.values()].filter(({ hook }) => hook !== undefined),
    ruleset,
  );
  const unreached = [...ruleset.chains.values()].filter((chain) => !reached.has(chain));
  const idle = isInstalled ? unreached.filter(({ name }) => idleChain.test(name)).slice(0, mostIdleChains) : [];
  const lost = unreached.filter(({ name }) => losers.has(ownerIn(name)));
  const kept = new Set([...reached, ...reachFrom([...idle, ...lost], ruleset)]);
  const used = new Set([...kept].flatMap(({ rules }) => rules.flatMap(setsOf)));
  const dangling = unreached.filter((chain) => !kept.has(chain) && chain.name !== rejectChain);
  return [
    ...checkHooks(ruleset),
    ...dangling.map(({ name }): Fault => ({ code: 'dangling-chain', message: `nothing leads to chain ${name}` })),
    ...[...ruleset.sets.keys()]
      .filter((name) => !used.has(name))
      .map((name): Fault => ({ code: 'dangling-set', message: `no rule asks set ${name}` })),
  ];
}

/**
 * The service port that a chain belongs to, `namespace/name/protocol/port name`; over IPv6 those with affinity have chains
 * of their own, whichever of their frontends another one owns.
 */
function ownerIn(chain: string): string {
  return chain.startsWith('sticky-') ? chain.slice(chain.indexOf('/') + 1) : '';
}

function checkHooks({ chains }: IndexedRuleset): Fault[] {
  const based = [...chains.values()].flatMap(({ name, hook }) => (hook ? [{ name, hook }] : []));
  const places = based.map(({ hook }) => placeText(hook));
  const wanted = hooks.map(placeText);
  const known = [...wanted, ...pinHooks.map(placeText)];
  return [
    ...wanted
      .filter((place) => !places.includes(place))
      .map((place): Fault => ({ code: 'wrong-hook', message: `no base chain is called at ${place}` })),
    ...based
      .filter(({ hook }, index) => !known.includes(placeText(hook)) || places.indexOf(placeText(hook)) !== index)
      .map(
        ({ name, hook }): Fault => ({
          code: 'wrong-hook',
          message: `chain ${name} is called at ${placeText(hook)}, where none should be`,
        }),
      ),
  ];
}

function placeText({ type, hook, priority }: Hook): string {
  return `${type} ${hook} ${priority}`;
}

/** These chains and all that they lead to. */
function reachFrom(start: readonly Chain[], { chains, sets }: IndexedRuleset): Set<Chain> {
  const reached = new Set(start);
  // A set hands out what is added to it while one goes through it.
  for (const { rules } of reached) {
    for (const name of new Set(rules.flat().flatMap((statement) => chainsOf(statement, sets)))) {
      const chain = chains.get(name);
      if (chain) {
        reached.add(chain);
      }
    }
  }
  return reached;
}

function chainsOf(statement: Statement, sets: IndexedRuleset['sets']): readonly string[] {
  switch (statement.kind) {
    case 'jump':
    case 'goto':
      return [statement.chain];
    case 'random-goto':
      return statement.chains;
    case 'vmap':
      return [...(sets.get(statement.map)?.targets ?? [])];
    default:
      return [];
  }
}
