import type { Chain, Ruleset } from '../../nft/ruleset.ts';
import { targetsOf } from '../../nft/ruleset-parts.ts';
import { UnknownRule } from '../../walk/check-ruleset.ts';
import { type PacketOutcome, summarizeFate } from '../../walk/fate.ts';
import { indexRuleset } from '../../walk/index-ruleset.ts';
import { mergeBranches } from '../../walk/merge-branches.ts';
import { createWalkContext, walkInContext } from '../../walk/walk-packet.ts';
import { type BehaviorCode, type BehaviorNote, type Behaviors, behaviorNotes } from './behaviors.ts';
import { checkFrontends, listTargets } from './check-frontends.ts';
import { checkIptables, findDanglingChains } from './check-iptables.ts';
import { checkSurroundings } from './check-surroundings.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend } from './expectations.ts';
import { placeOf } from './fault-collector.ts';
import type { IptablesTraits } from './iptables-fates.ts';
import { valuesOfRule } from './iptables-values.ts';
import { acceptIptables } from './kube-proxy-behavior.ts';
import { standardClients } from './list-clients.ts';
import { kindOfChain, type OwnRules, readIptablesTraits, readMasquerading, selectOwnRules } from './own-iptables.ts';
import type { ConfiguredIptables, Fault, Verification, VerifyOptions } from './verification.ts';
import { createWalkCheck, type WalkCheck } from './walk-check.ts';

/** What is found in rules of iptables. */
interface IptablesVerification extends Pick<Verification, 'packets' | 'faults'> {
  readonly notes: readonly BehaviorNote[];
}

/**
 * Whether rules of iptables do with packets what their proxy should. What rules of other programs do to connections of Services
 * is in the notes.
 */
export function verifyIptables(
  ruleset: Ruleset,
  given: Expectations,
  { deviations = [], configured = {} }: Pick<VerifyOptions, 'deviations' | 'configured'>,
): IptablesVerification {
  const own = selectOwnRules(ruleset);
  if (!own) {
    const isNeeded = given.ips.size + given.nodePorts.size > 0;
    return { packets: 0, faults: isNeeded ? [noRules] : [], notes: [] };
  }
  const names = new Set(own.ruleset.chains.flatMap(({ name, hook }) => (hook ? [] : [name])));
  const causes = deviations
    .filter(({ chain }) => chain !== undefined && names.has(chain))
    .map(({ message }): Fault => ({ code: 'not-understood', message }));
  const { masqueradeAll, masqueradeMark } = { ...given, ...readMasquerading(own, configured) };
  // Loopback addresses are a matter of other rules.
  const expectations = { ...given, masqueradeAll, masqueradeMark, refusedAtLocalhost: new Set<never>() };
  try {
    const { packets, faults, notes } = walkRules(own, { all: ruleset, expectations, configured });
    const structure = checkIptables(own, expectations);
    const dangling = findDanglingChains(own, expectations);
    return { packets, faults: [...causes, ...structure, ...faults, ...dangling], notes };
  } catch (error) {
    if (!(error instanceof UnknownRule)) {
      throw error;
    }
    return { packets: 0, faults: [...causes, { code: 'not-understood', message: error.message }], notes: [] };
  }
}

const noRules: Fault = { code: 'missing-table', message: 'there are no rules of kube-proxy or svc2nft' };

interface WalkedRules {
  /** With those of other programs. */
  readonly all: Ruleset;
  readonly expectations: Expectations;
  readonly configured: ConfiguredIptables;
}

function walkRules(own: OwnRules, { all, expectations, configured }: WalkedRules): IptablesVerification {
  const traits = readIptablesTraits(own, configured);
  const check = createWalkCheck(indexRuleset(own.ruleset), expectations, acceptIptables(traits, expectations));
  checkFrontends(check, noLiterals, readSourceRanges(own.ruleset.chains));
  checkEndpoints(check);
  checkSurroundings(check, noLiterals);
  checkLoopback(check, traits);
  const missing = traits.loopbackNodePorts && !traits.guardsLoopback ? [missingGuard] : [];
  const notes = behaviorNotes(new Map([...check.behaviors, ...walkOthers(all, check)]));
  return { packets: check.packets(), faults: [...check.faults.list(), ...missing], notes };
}

/** Without it, hosts in the neighborhood reach what listens at loopback addresses (kubernetes issue 90259). */
const missingGuard: Fault = {
  code: 'missing-rule',
  message: 'chain filter KUBE-FIREWALL lacks the rule that guards loopback addresses',
};

/** Values in rules are compared with those of Services; not each is tried with each. */
const noLiterals = { sources: [], destinations: [], ports: [], interfaces: [] };

/**
 * The frontends at which all rules of a node give a packet another fate than those of its proxy alone, by which `check` walks.
 * That they change its source is not counted: networks of Pods do so on purpose.
 *
 * @throws UnknownRule for rules that the walker does not understand.
 */
function walkOthers(all: Ruleset, { ruleset: own, expectations, walk }: WalkCheck): Behaviors {
  const found = new Map<BehaviorCode, Set<string>>();
  if (countRules(all.chains) === countRules([...own.chains.values()])) {
    return found;
  }
  const context = createWalkContext(
    indexRuleset(all),
    { localAddresses: expectations.nodeAddresses },
    { keepsSteps: false },
  );
  const clients = standardClients(expectations);
  // Others name interfaces of this node, and those of the clients are made up.
  const namesMatter = expectations.detector?.kind === 'interface';
  for (const [frontend, [target]] of listTargets(expectations)) {
    const place = Object.values(placeOf(frontend, expectations.family)).join(' ');
    const packets = target
      ? clients.map(({ source, inputInterface = '' }) => ({
          source,
          ...(namesMatter && { inputInterface }),
          ...target,
        }))
      : [];
    for (const packet of packets) {
      const code = compareOutcomes(mergeBranches(walk(packet)), walkInContext(packet, context).outcomes);
      if (code) {
        found.set(code, (found.get(code) ?? new Set()).add(place));
      }
    }
  }
  return found;
}

function countRules(chains: readonly Chain[]): number {
  return chains.reduce((sum, { rules }) => sum + rules.length, 0);
}

/** What to call the difference between the outcomes by the own rules, and by all. */
function compareOutcomes(own: readonly PacketOutcome[], all: readonly PacketOutcome[]): BehaviorCode | undefined {
  const [before, after] = [own, all].map((outcomes) => summarizeFate({ outcomes }));
  const reached = (fate: typeof before): string =>
    `${fate?.verdict} ${fate?.endpoints.map(({ endpoint }) => endpoint)}`;
  if (all.some(({ isUncertain }) => isUncertain)) {
    return 'others-unclear';
  }
  if (reached(before) === reached(after)) {
    return undefined;
  }
  return after?.verdict === 'dropped' || after?.verdict === 'rejected' ? 'others-refuse' : 'others-translate';
}

/** The source ranges of load balancer IPs, from the chains to which their rules lead. */
function readSourceRanges(chains: readonly Chain[]): Map<string, string[]> {
  const sources = new Map(
    chains
      .filter(({ name }) => kindOfChain(name) === 'nat FW')
      .map(({ name, rules }) => [name, rules.flatMap((rule) => valuesOfRule(rule).source ?? [])] as const),
  );
  const ranges = new Map<string, string[]>();
  for (const rule of sources.size > 0 ? chains.flatMap(({ rules }) => rules) : []) {
    const [target = ''] = rule.flatMap(targetsOf);
    const found = sources.get(target);
    if (found) {
      const { destination, protocol, port } = valuesOfRule(rule);
      ranges.set(`${destination} . ${protocol} . ${port}`, found);
    }
  }
  return ranges;
}

/** Sends packets from each endpoint to a frontend that leads back to it: a rule of its own masquerades them. */
function checkEndpoints(check: WalkCheck): void {
  const { expectations } = check;
  const inputInterface = expectations.detector?.kind === 'interface' ? expectations.detector.name : 'in0';
  const tried = new Set<ExpectedEndpoint>();
  for (const [frontend, [target]] of listTargets(expectations)) {
    for (const endpoint of target ? endpointsOf(frontend) : []) {
      if (target && !tried.has(endpoint)) {
        tried.add(endpoint);
        const words = `endpoint ${endpoint.text} itself`;
        check.check({ source: endpoint.address, inputInterface, words }, target);
      }
    }
  }
}

function endpointsOf({ kind, service }: ExpectedFrontend): readonly ExpectedEndpoint[] {
  const { cluster, local, internalLocal, externalLocal } = service;
  if (kind === 'ClusterIP') {
    return internalLocal ? local : cluster;
  }
  return externalLocal ? [...cluster, ...local] : cluster;
}

/** Node ports at loopback addresses, each of which has rules of its own. */
function checkLoopback(check: WalkCheck, { loopbackNodePorts }: IptablesTraits): void {
  const destination = loopbackNodePorts?.prefix === 8 ? '127.0.1.1' : '127.0.0.1';
  for (const { port, service } of loopbackNodePorts ? check.expectations.nodePorts.values() : []) {
    check.check({ source: '127.0.0.1', words: '127.0.0.1' }, { destination, protocol: service.protocol, port });
  }
}
