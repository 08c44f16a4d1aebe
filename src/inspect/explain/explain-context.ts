/** What explanations are made of. Types only. */

import type { Places } from '../../kubernetes/locations.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import type { Rule, Ruleset, Statement } from '../../nft/ruleset.ts';
import type { CompileOptions } from '../../options.ts';
import type { LocalDetector, NodePortAddresses, NodeView } from '../../phases/3-model/model.ts';
import { chainNames, setNames } from '../../phases/5-plan/names.ts';
import type { Fate, FateSummary, Memory, Packet } from '../../walk/fate.ts';
import type { FrontendMatch } from './explain-frontend.ts';
import type { Way } from './read-way.ts';

/** What is known of the cluster besides the rules; without a snapshot there is none of it. */
export interface Knowledge {
  readonly view: NodeView;
  readonly places: Places;
  readonly notes: readonly ServiceNote[];
  readonly options: Pick<CompileOptions, 'nodePortAddresses'>;
}

/** A question about one packet. */
export interface Question {
  readonly packet: Packet;
  /** That of the packet's family; undefined where there is no such table. */
  readonly ruleset: Ruleset | undefined;
  /** Whether the table is switched off (flags dormant). */
  readonly isDormant?: boolean;
  /** The node's own addresses, the primary ones first. */
  readonly localAddresses: readonly string[];
  /** What earlier connections left in dynamic sets. */
  readonly memory?: Memory;
  readonly knowledge?: Knowledge;
}

/** A question, and what the walk answers. */
export interface Findings extends Question {
  readonly ruleset: Ruleset;
  readonly facts: RuleFacts;
  readonly fate: Fate;
  readonly summary: FateSummary;
  /** For each outcome what was decided on the way. */
  readonly ways: readonly [Way, ...Way[]];
  /** The service ports that want packets to the destination, the one first that the rules chose. */
  readonly frontends: readonly FrontendMatch[];
}

/** Settings of the node that shape the rules, as the rules themselves have them: a snapshot may know others by now. */
interface RuleFacts {
  /** How pods are told from others; undefined where no rule tells. */
  readonly detector: LocalDetector | undefined;
  /** Whether everything that goes to cluster IPs is masqueraded. */
  readonly masqueradeAll: boolean;
  readonly nodePortAddresses: NodePortAddresses;
}

/** Reads the settings from the chain that translates, and from the chains of external policy Local. */
export function readRuleFacts({ chains, sets }: Ruleset): RuleFacts {
  const services = chains.find(({ name }) => name === chainNames.services)?.rules ?? [];
  const marking = services.find((rule) => rule.some(({ kind }) => kind === 'set-mark'));
  const source = marking?.find(isSourceMatch) ?? chains.flatMap(({ rules }) => insiderMatch(rules[0]))[0];
  return {
    detector: source && detectorOf(source),
    masqueradeAll: marking !== undefined && !marking.some(isSourceMatch),
    nodePortAddresses: readNodePortAddresses(services, sets),
  };
}

type Match = Extract<Statement, { kind: 'match' }>;

/** ip saddr 10.244.0.0/16 goto tcp-cluster-3 */
function insiderMatch(rule: Rule | undefined): Match[] {
  const [first, second] = rule ?? [];
  return first && isSourceMatch(first) && second?.kind === 'goto' ? [first] : [];
}

function isSourceMatch(statement: Statement): statement is Match {
  if (statement.kind !== 'match') {
    return false;
  }
  const { left } = statement;
  return left.kind === 'iifname' || (left.kind === 'address' && left.field === 'saddr');
}

function detectorOf({ left, right }: Match): LocalDetector {
  const text = String(right);
  if (left.kind !== 'iifname') {
    return { kind: 'source', cidr: text };
  }
  const prefix = text.endsWith('*');
  return { kind: 'interface', name: prefix ? text.slice(0, -1) : text, prefix };
}

function readNodePortAddresses(services: readonly Rule[], sets: Ruleset['sets']): NodePortAddresses {
  const rule = services.find((statements) =>
    statements.some((statement) => statement.kind === 'vmap' && statement.map === setNames.serviceNodePorts),
  );
  const isListed = rule?.some((statement) => statement.kind === 'match-set' && statement.set === setNames.nodePortIps);
  const elements = sets.find(({ name }) => name === setNames.nodePortIps)?.elements ?? [];
  return isListed ? { kind: 'listed', addresses: elements.map(({ key }) => key) } : { kind: 'all' };
}
