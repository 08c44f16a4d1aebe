import type { Command } from '../diff/command.ts';
import { foreignHooks } from '../diff/foreign-hooks.ts';
import { escapeControls } from '../escape-controls.ts';
import type { Listing } from '../listing/listing.ts';
import { baseChains, pinBaseChains } from '../phases/5-plan/base-chains.ts';
import { isDispatchChainName } from '../phases/5-plan/dispatch-chains.ts';
import { chainNames, setNames } from '../phases/5-plan/names.ts';
import type { FilledSet } from '../phases/5-plan/ruleset.ts';
import { fixedSets } from '../phases/5-plan/set-declarations.ts';

/**
 * What was found in a table that no earlier state of the cluster explains: somebody else changed it, it was made by
 * another version, or the settings are others. For people, sorted by kind; empty when only Services differ.
 *
 * @param commands what mends it.
 */
export function describeFindings({ ruleset, oddities }: Listing, commands: readonly Command[]): string[] {
  return [
    ...oddities.map(({ message }) => message),
    ...foreignHooks(ruleset).map((name) => `chain ${name} has another hook`),
    ...ruleset.sets.flatMap(strayElements),
    ...commands.flatMap((command) => describeCommand(command, commands)),
  ].map(escapeControls);
}

const fixedChains: ReadonlySet<string> = new Set([
  ...Object.values(chainNames).filter((name) => name !== chainNames.pin),
  ...baseChains.map(({ name }) => name),
]);
const pinChains: ReadonlySet<string> = new Set([chainNames.pin, ...pinBaseChains.map(({ name }) => name)]);
const fixedSetNames: ReadonlySet<string> = new Set(fixedSets.map(({ name }) => name));
/** Sets whose elements all bear the name of a Service. */
const commentedSets: ReadonlySet<string> = new Set([
  setNames.clusterIps,
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
  setNames.firewallIps,
]);

function describeCommand(command: Command, commands: readonly Command[]): string[] {
  switch (command.kind) {
    case 'add-chain':
      return fixedChains.has(command.chain.name) ? [`chain ${command.chain.name} is missing`] : [];
    case 'flush-chain':
      return fixedChains.has(command.chain) ? [`chain ${command.chain} has other rules`] : [];
    case 'delete-chain':
      return isOurs(command.chain) ? [] : [`chain ${command.chain} is none of ours`];
    case 'add-set':
      return fixedSetNames.has(command.set.name)
        ? [`set ${command.set.name} ${isDeleted(command.set.name, commands) ? 'is declared otherwise' : 'is missing'}`]
        : [];
    case 'delete-elements':
      return describeElements(command);
    default:
      return [];
  }
}

/** Elements of an endpoint map that no number of endpoints leads to. */
function strayElements({ name, key, elements }: FilledSet): string[] {
  return key.includes('index') && elements.length > 0
    ? [`${name} has ${elements.length} foreign elements: ${someOf(elements)}`]
    : [];
}

/** Chains that come and go with Services; the longer names belong to affinity over IPv6. */
function isOurs(chain: string): boolean {
  return isDispatchChainName(chain) || pinChains.has(chain) || chain.startsWith('pin-') || chain.includes('/');
}

function isDeleted(set: string, commands: readonly Command[]): boolean {
  return commands.some((command) => command.kind === 'delete-set' && command.set.name === set);
}

function describeElements({ set, elements }: Extract<Command, { kind: 'delete-elements' }>): string[] {
  const foreign = commentedSets.has(set) ? elements.filter(({ comment }) => comment === undefined) : [];
  return foreign.length > 0 ? [`${set} has ${foreign.length} foreign elements: ${someOf(foreign)}`] : [];
}

function someOf(elements: readonly { readonly key: string }[]): string {
  const shown = elements.slice(0, 3).map(({ key }) => key);
  return [...shown, ...(elements.length > 3 ? ['...'] : [])].join(', ');
}
