import { isDeepStrictEqual } from 'node:util';
import { foreignHooks } from '../diff/diff-rulesets.ts';
import { escapeControls } from '../lib/text.ts';
import { protocols } from '../net/network.ts';
import type { Command } from '../nft/command.ts';
import type { ListedTable } from '../nft/listed-table.ts';
import type { Chain, FilledSet, Rule, Ruleset, SetDeclaration } from '../nft/ruleset.ts';
import { baseChains, pinBaseChains } from '../phases/5-plan/base-chains.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import {
  affinitySetName,
  chainNames,
  endpointMapName,
  pinChainName,
  pinMapName,
  pinSetName,
  setNames,
} from '../phases/5-plan/names.ts';
import { fixedSets } from '../phases/5-plan/plan-ruleset.ts';

/**
 * What was found in a table that neither Services nor settings explain: somebody else changed it, or another version
 * made it. For people, sorted by kind. Where rules depend on settings, it takes both rulesets to tell whose doing other
 * rules are (compareSettings), so that is not said here.
 *
 * @param commands what mends it.
 */
export function describeFindings({ ruleset, deviations }: ListedTable, commands: readonly Command[]): string[] {
  return [
    ...deviations.map(({ message }) => message),
    ...describeChains(ruleset, commands),
    ...describeSets(ruleset, commands),
    ...ruleset.sets.flatMap(describeElements),
  ].map(escapeControls);
}

/** Chains that every table has. */
const fixedChains: ReadonlySet<string> = new Set([
  ...Object.values(chainNames).filter((name) => name !== chainNames.pin),
  ...baseChains.map(({ name }) => name),
]);
/** Those of them whose rules depend on settings, so that other rules need not be somebody's doing. */
const settingChains: ReadonlySet<string> = new Set([
  chainNames.services,
  chainNames.masquerading,
  chainNames.nodePortEndpointsCheck,
]);

function describeChains(ruleset: Ruleset, commands: readonly Command[]): string[] {
  const { chains } = ruleset;
  const made = commands.flatMap((command) => (command.kind === 'add-chain' ? [command.chain.name] : []));
  const known = new Set(chains.map(({ name }) => name));
  const missing = made.filter((name) => fixedChains.has(name) && !known.has(name));
  const written = rulesWritten(commands);
  const hooked = new Set(foreignHooks(ruleset));
  return [
    ...missing.map((name) => `chain ${name} is missing`),
    ...chains.flatMap(({ name, rules }) => {
      const problems = [
        ...(hooked.has(name) ? ['has another hook'] : []),
        ...describeRules({ name, rules }, written.get(name)),
      ];
      return (isOurChain(name) ? problems : ['is none of ours']).map((problem) => `chain ${name} ${problem}`);
    }),
  ];
}

function rulesWritten(commands: readonly Command[]): ReadonlyMap<string, readonly Rule[]> {
  const written = new Map<string, Rule[]>();
  for (const command of commands) {
    if (command.kind === 'add-rule') {
      const rules = written.get(command.chain) ?? [];
      rules.push(command.rule);
      written.set(command.chain, rules);
    }
  }
  return written;
}

/** No compiler makes an empty chain. Of rules that are not understood, which are empty, there is a deviation already. */
function describeRules({ name, rules }: Chain, written: readonly Rule[] | undefined): string[] {
  if (rules.length === 0) {
    return ['is empty'];
  }
  const isSuspect = fixedChains.has(name) && !settingChains.has(name) && rules.every((rule) => rule.length > 0);
  return isSuspect && written && !isDeepStrictEqual(rules, written) ? ['has other rules'] : [];
}

const fixedSetNames: ReadonlySet<string> = new Set(fixedSets.map(({ name }) => name));

function describeSets({ sets }: Ruleset, commands: readonly Command[]): string[] {
  const foreign = sets.filter(({ name }) => !isOurSet(name));
  const made = commands.flatMap((command) => (command.kind === 'add-set' ? [command.set] : []));
  return [
    ...made.filter(({ name }) => fixedSetNames.has(name)).flatMap((wanted) => describeSet(wanted, sets)),
    ...foreign.map((set) => `${kindOf(set)} ${set.name} is none of ours`),
  ];
}

/** What is wrong with a set that every table has, and that is to be made. */
function describeSet(wanted: SetDeclaration, sets: readonly FilledSet[]): string[] {
  const found = sets.find(({ name }) => name === wanted.name);
  if (!found) {
    return [`${kindOf(wanted)} ${wanted.name} is missing`];
  }
  const { elements, lists, ...declaration } = found;
  return isDeepStrictEqual(declaration, wanted) ? [] : [`${kindOf(wanted)} ${wanted.name} is declared otherwise`];
}

function kindOf({ value }: SetDeclaration): 'set' | 'map' {
  return value === undefined ? 'set' : 'map';
}

/** Sets whose elements all bear the name of a Service. */
const commentedSets: ReadonlySet<string> = new Set([
  setNames.clusterIps,
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
  setNames.firewallIps,
]);

/** Elements that bear no Service's name, and those of an endpoint map that no number of endpoints leads to. */
function describeElements({ name, key, elements }: FilledSet): string[] {
  const foreign = key.includes('index')
    ? elements
    : elements.filter(({ comment }) => commentedSets.has(name) && comment === undefined);
  if (foreign.length === 0) {
    return [];
  }
  const noun = foreign.length === 1 ? 'element' : 'elements';
  return [`${name} has ${foreign.length} foreign ${noun}: ${someOf(foreign)}`];
}

function someOf(elements: readonly { readonly key: string }[]): string {
  const shown = elements.slice(0, 3).map(({ key }) => key);
  return [...shown, ...(elements.length > 3 ? ['...'] : [])].join(', ');
}

/** Whether a compiler of this program could have made a chain of this name. */
export function isOurChain(name: string): boolean {
  return ourChains.has(name) || isDispatchChainName(name) || isOwned(name);
}

/** Whether a compiler of this program could have made a set or map of this name. */
function isOurSet(name: string): boolean {
  return ourSets.has(name) || isStickySet(name) || isOwned(name);
}

const frontends = ['address', 'nodeport'] as const;

const ourChains: ReadonlySet<string> = new Set([
  ...Object.values(chainNames),
  ...[...baseChains, ...pinBaseChains].map(({ name }) => name),
  ...protocols.map(pinChainName),
]);

const ourSets: ReadonlySet<string> = new Set([
  ...Object.values(setNames),
  ...protocols.flatMap((protocol) => [
    pinMapName(protocol),
    pinSetName(protocol),
    ...frontends.flatMap((frontend) => [
      endpointMapName({ protocol, frontend, scope: 'cluster' }),
      endpointMapName({ protocol, frontend, scope: 'local' }),
    ]),
  ]),
]);

/** There is one for each timeout. */
function isStickySet(name: string): boolean {
  const seconds = Number(/\d+$/.exec(name)?.[0]);
  return protocols.some((protocol) =>
    frontends.some((frontend) => affinitySetName(protocol, frontend, seconds) === name),
  );
}

/** Only names of what a service port owns, for affinity over IPv6, have slashes. */
function isOwned(name: string): boolean {
  return name.includes('/');
}
