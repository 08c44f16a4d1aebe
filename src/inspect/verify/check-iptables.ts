/** What no walk through rules of iptables shows: rules, jumps and chains that their proxy does not write, or always does. */

import { cutText } from '../../lib/text.ts';
import type { Chain, Rule, Statement } from '../../nft/ruleset.ts';
import { targetsOf } from '../../nft/ruleset-parts.ts';
import type { Expectations, ExpectedEndpoint, ExpectedFrontend, ExpectedService } from './expectations.ts';
import { frontendLabel } from './fault-collector.ts';
import { type CheckedRule, checkValues } from './iptables-values.ts';
import type { OwnRules } from './own-iptables.ts';
import { type IptablesJump, type IptablesLayout, iptablesLayouts, kindOfChain, shapeOfRule } from './own-iptables.ts';
import type { Fault, FaultCode } from './verification.ts';

/** All faults in the structure of a proxy's rules, but for chains that nothing leads to. */
export function checkIptables({ layout: name, ruleset: { chains } }: OwnRules, expectations: Expectations): Fault[] {
  const layout = iptablesLayouts[name];
  const endpointAddresses = new Set(
    servicesOf(expectations)
      .flatMap(endpointsOf)
      .map(({ address }) => address),
  );
  const own = chains.filter(({ hook }) => hook === undefined);
  const kernels = chains.filter(({ hook }) => hook !== undefined);
  return [
    ...layout.jumps.flatMap((jump) => checkJump(jump, { chains, layout })),
    ...kernels.flatMap((chain) => unknownJumps(chain, layout)),
    ...missingRules(own, layout, expectations),
    ...own.flatMap((chain) => checkChain(chain, layout, { expectations, endpointAddresses })),
    ...missingHealthChecks(own, layout, expectations),
  ];
}

function fault(code: FaultCode, message: string): Fault {
  return { code, message };
}

interface JumpContext {
  readonly chains: readonly Chain[];
  readonly layout: IptablesLayout;
}

/** Whether a chain of the kernel leads to one of the proxy, where there is that one, and does so for the right packets. */
function checkJump({ from, to, isForNew }: IptablesJump, { chains, layout }: JumpContext): Fault[] {
  const target = to.replace(' ', ` ${layout.prefix}`);
  if (!chains.some(({ name }) => name === target)) {
    return [];
  }
  const { rules = [], lines = [] } = chains.find(({ name }) => name === from) ?? {};
  const at = rules.findIndex((rule) => rule.flatMap(targetsOf).includes(target));
  if (at < 0) {
    return [fault('missing-rule', `chain ${from} has no jump to ${shortName(target)}`)];
  }
  const saysNew = stateOf(lines[at]) === 'NEW';
  const what = `chain ${from}: the jump to ${shortName(target)}`;
  if (isForNew && !saysNew) {
    return [fault('wrong-state', `${what} is for all packets, but should be for new connections (--ctstate NEW)`)];
  }
  return !isForNew && stateOf(lines[at]) !== undefined
    ? [fault('wrong-state', `${what} is for some connections (--ctstate ${stateOf(lines[at])}), but should be for all`)]
    : [];
}

/** The states of connections that a rule names, `RELATED,ESTABLISHED`, but for `! --ctstate DNAT`. */
function stateOf(line = ''): string | undefined {
  const unquoted = line.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return /(?<!! )--(?:ct)?state (\S+)/.exec(unquoted)?.[1];
}

function shortName(chain: string): string {
  return chain.split(' ')[1] ?? chain;
}

/** Jumps to the proxy's chains from elsewhere, or for other packets. */
function unknownJumps({ name, rules, lines = [] }: Chain, { jumps }: IptablesLayout): Fault[] {
  const known = new Set(jumps.filter(({ from }) => from === name).map(({ shape }) => shape));
  return rules.flatMap((rule, index) => (known.has(shapeOfRule(rule)) ? [] : [unknownRule(name, index, lines)]));
}

/** Characters of a rule that are shown. */
const shownRule = 240;

function unknownRule(
  chain: string,
  index: number,
  lines: readonly string[],
  why = 'is not one that belongs there',
): Fault {
  return fault('unknown-rule', `chain ${chain}, rule ${index + 1} ${why}: ${cutText(lines[index] ?? '', shownRule)}`);
}

function checkChain(chain: Chain, { shapes }: IptablesLayout, context: Omit<CheckedRule, 'chain' | 'shape'>): Fault[] {
  const { name, rules, lines = [] } = chain;
  const known = shapes[kindOfChain(name)];
  if (!known) {
    return rules.length > 0 ? [fault('unknown-chain', `chain ${name} is not one that belongs there`)] : [];
  }
  const faults = rules.flatMap((rule, index): readonly Fault[] => {
    const shape = shapeOfRule(rule);
    if (rule.some(({ kind }) => kind === 'uncertain')) {
      return [];
    }
    if (!known.includes(shape) || isForOtherStates(shape, lines[index])) {
      return [unknownRule(name, index, lines)];
    }
    const wrong = checkValues(rule, { ...context, chain, shape });
    return typeof wrong === 'string' ? [unknownRule(name, index, lines, wrong)] : wrong;
  });
  return [...faults, ...repeatedRules(chain), ...unreachableRules(chain)];
}

const statesOfShapes: Readonly<Record<string, string>> = {
  'never drop': 'INVALID',
  'never accept': 'RELATED,ESTABLISHED',
};

/** A walk sees the first packets of connections alone, to which none of these rules applies. */
function isForOtherStates(shape: string, line: string | undefined): boolean {
  return stateOf(line) !== statesOfShapes[shape];
}

/** Source ranges may be written twice in a Service. */
function repeatedRules({ name, lines = [] }: Chain): Fault[] {
  const at = kindOfChain(name) === 'nat FW' ? -1 : lines.findIndex((line, index) => lines.indexOf(line) !== index);
  return at < 0
    ? []
    : [fault('misplaced-rule', `chain ${name}, rule ${at + 1} is there twice: ${cutText(lines[at] ?? '', shownRule)}`)];
}

/** Rules behind one that takes all packets, to endpoints or to the node ports. */
function unreachableRules({ name, rules }: Chain): Fault[] {
  const shapes = rules.map(shapeOfRule);
  const end = shapes.findIndex((shape) => /^(?:> (?:SEP|SVC|SVL)|-p (?:list )?dnat)$/.test(shape));
  if (end >= 0 && end < rules.length - 1) {
    const message = `chain ${name} ends at rule ${end + 1}: rule ${end + 2} is unreachable`;
    return [fault('unreachable-rule', message)];
  }
  const toNodePorts = shapes.findIndex((shape) => shape.endsWith('> NODEPORTS'));
  const late = shapes.findIndex((shape, index) => index > toNodePorts && !shape.endsWith('> NODEPORTS'));
  return toNodePorts >= 0 && late >= 0
    ? [
        fault(
          'misplaced-rule',
          `chain ${name}, rule ${late + 1} is behind the one for node ports, which is the last one`,
        ),
      ]
    : [];
}

function missingRules(
  chains: readonly Chain[],
  { required, prefix }: IptablesLayout,
  expectations: Expectations,
): Fault[] {
  const isServing = [...expectations.ips.values()].some(isServed);
  const all = Object.entries(isServing ? { 'nat SERVICES': [], ...required } : required);
  return all.flatMap(([kind, shapes]) => {
    const name = kind.replace(' ', ` ${prefix}`);
    const chain = chains.find((one) => one.name === name);
    const found = chain?.rules.map(shapeOfRule);
    if (!found || found.length === 0) {
      return [fault('damaged-table', `chain ${name} is ${found ? 'empty' : 'missing'}`)];
    }
    const missing = shapes.filter((shape) => !found.includes(shape));
    return missing.map((shape) => fault('missing-rule', `chain ${name} lacks the rule that ${ruleTexts[shape]}`));
  });
}

/** Whether a rule leads from a frontend to endpoints. */
function isServed({ kind, service: { hasAny, internalLocal, local } }: ExpectedFrontend): boolean {
  return hasAny && !(kind === 'ClusterIP' && internalLocal && local.length === 0);
}

const ruleTexts: Readonly<Record<string, string>> = {
  'mark-or': 'sets the mark for masquerading',
  'mark-xor': 'clears the mark for masquerading',
  '! --mark return': 'returns what has not the mark for masquerading',
  masquerade: 'masquerades',
  '--mark accept': 'accepts what has the mark for masquerading',
  'never accept': 'accepts packets of connections that exist',
  'never drop': 'drops packets that fit no connection',
};

/** Nothing but the rules of other programs shows whether a health check is let in. */
function missingHealthChecks(
  chains: readonly Chain[],
  { prefix }: IptablesLayout,
  { healthCheckPorts, family }: Expectations,
): Fault[] {
  const name = `filter ${prefix}${prefix === 'KUBE-' ? 'NODEPORTS' : 'HEALTH-CHECKS'}`;
  const rules = chains.find((chain) => chain.name === name)?.rules ?? [];
  const accepted = new Set(rules.flat().flatMap((one) => (isPortMatch(one) ? [one.right] : [])));
  return [...healthCheckPorts]
    .filter(([port]) => !accepted.has(port))
    .map(([port, service]): Fault => {
      const frontend = frontendLabel({ address: undefined, port, protocol: 'tcp' }, family);
      return { code: 'missing-rule', service, frontend, message: `chain ${name} does not accept its health checks` };
    });
}

type Match = Extract<Statement, { kind: 'match' }>;

function isPortMatch(statement: Statement): statement is Match {
  return statement.kind === 'match' && statement.left.kind === 'dport';
}

/** With more endpoints, kube-proxy leaves the chains of Services that are gone for a while (largeClusterEndpointsThreshold). */
const largeCluster = 1000;

/** There may be no address that accepts node ports, nothing to masquerade, and nothing to refuse. */
const alwaysThere = /^(?:nat KUBE-(?:NODEPORTS|MARK-MASQ)|\w+ SVC2NFT-(?:NODEPORTS|REJECT))$/;

/** kube-proxy writes chains for external addresses also where external IPs are not served. */
const external = /^nat KUBE-EXT-/;

/** Chains with rules that nothing leads to: a fault by themselves, or a symptom of others. */
export function findDanglingChains({ ruleset: { chains } }: OwnRules, expectations: Expectations): Fault[] {
  const { servesExternalIPs } = expectations;
  const isStart = (name: string): boolean => alwaysThere.test(name) || (!servesExternalIPs && external.test(name));
  const byName = new Map(chains.map((chain) => [chain.name, chain]));
  const reached = new Set(chains.filter(({ name, hook }) => isStart(name) || hook !== undefined));
  // Iterating over a Set also visits what is added on the way.
  for (const { rules } of reached) {
    for (const name of rules.flatMap((rule: Rule) => rule.flatMap(targetsOf))) {
      const chain = byName.get(name);
      if (chain) {
        reached.add(chain);
      }
    }
  }
  const endpoints = servicesOf(expectations).flatMap(endpointsOf).length;
  const mayBeStale = ({ name }: Chain): boolean =>
    endpoints > largeCluster && /^nat KUBE-(?:SVC|SVL|SEP|EXT|FW)-/.test(name);
  return chains
    .filter((chain) => !reached.has(chain) && chain.rules.length > 0 && !mayBeStale(chain))
    .map(({ name }) => fault('dangling-chain', `no rule leads to chain ${name}`));
}

function servicesOf({ ips, nodePorts }: Expectations): ExpectedService[] {
  return [...new Set([...ips.values(), ...nodePorts.values()].map(({ service }) => service))];
}

function endpointsOf({ cluster, local }: ExpectedService): ExpectedEndpoint[] {
  return [...new Set([...cluster, ...local])];
}
