/** Whether the values in a rule of iptables are those that the Services and settings of the node give it. */

import { cidrText, isLoopback } from '../../net/address.ts';
import type { Chain, Rule, StatementOf } from '../../nft/ruleset.ts';
import { targetsOf } from '../../nft/ruleset-parts.ts';
import { refusalOf } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import { frontendLabel } from './fault-collector.ts';
import { kindOfChain } from './own-iptables.ts';
import type { Fault } from './verification.ts';

/** A rule whose shape is one of those of its chain. */
export interface CheckedRule {
  readonly chain: Chain;
  readonly shape: string;
  readonly expectations: Expectations;
  /** Those of all endpoints. */
  readonly endpointAddresses: ReadonlySet<string>;
}

/** Faults, or what follows `rule 3` in the text of one; none if all values are right. */
export function checkValues(rule: Rule, context: CheckedRule): readonly Fault[] | string {
  const { chain, shape, expectations } = context;
  const kind = kindOfChain(chain.name);
  const wrong = wrongMark(rule, expectations) ?? wrongList(rule, chain.name) ?? wrongAddress(rule, kind, context);
  return wrong ?? (shape.includes('--dport') ? checkFrontendOf(rule, kind, context) : []);
}

/** A list of clients has the name of the chain of its endpoint. */
function wrongList(rule: Rule, chain: string): string | undefined {
  const list = rule.flatMap((one) => (one.kind === 'match-set' || one.kind === 'update' ? one.set : []))[0];
  const to = rule.flatMap(targetsOf)[0] ?? chain;
  const isOfEndpoint = list !== undefined && kindOfChain(to) === 'nat SEP';
  return isOfEndpoint && to !== `nat ${list}` ? 'has the list of clients of another endpoint' : undefined;
}

function wrongMark(rule: Rule, { masqueradeMark }: Expectations): string | undefined {
  const wrong = rule.find(
    (one) => (one.kind === 'set-mark' || one.kind === 'match-mark') && one.mark !== masqueradeMark,
  );
  return wrong && `has another mark than that for masquerading, ${hexText(masqueradeMark)}`;
}

function hexText(mark: number): string {
  return `0x${mark.toString(16)}`;
}

/** The values that a rule compares with, by what it compares. */
interface RuleValues {
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly inputInterface: string | undefined;
  readonly protocol: string;
  readonly port: number;
}

/** What a rule compares; a rule of a known shape has each at most once. */
export function valuesOfRule(rule: Rule): RuleValues {
  const matches = rule.filter((one): one is StatementOf<'match'> => one.kind === 'match');
  const rightOf = (kind: string, field?: string): string | undefined => {
    const found = matches.find(({ left }) => left.kind === kind && (!('field' in left) || left.field === field));
    return found && String(found.right);
  };
  return {
    source: rightOf('address', 'saddr'),
    destination: rightOf('address', 'daddr'),
    inputInterface: rightOf('iifname'),
    protocol: rightOf('l4proto') ?? '',
    port: Number(rightOf('dport') ?? 0),
  };
}

/** Whether some Service has the frontend of a rule, and what the rule is for. */
function checkFrontendOf(rule: Rule, kind: string, { chain, expectations }: CheckedRule): readonly Fault[] | string {
  const { destination, protocol, port } = valuesOfRule(rule);
  if (kind.startsWith('filter') && rule.some((one) => one.kind === 'accept')) {
    const isKnown = protocol === 'tcp' && expectations.healthCheckPorts.has(port);
    return isKnown ? [] : 'accepts a health check node port that no Service has';
  }
  const address = destination === undefined || isLoopbackRange(destination) ? undefined : destination;
  const key = address === undefined ? `${protocol} ${port}` : `${address} ${protocol} ${port}`;
  const claimants = claimantsOf(key, expectations);
  const problem = claimants.length === 0 ? 'but no Service has it' : uselessRule(kind, claimants);
  const service = claimants[0]?.service.label;
  return problem === undefined
    ? []
    : [
        {
          code: 'extra-frontend',
          ...(service !== undefined && { service }),
          frontend: frontendLabel({ address, port, protocol }, expectations.family),
          message: `chain ${chain.name} has a rule for it, ${problem}`,
        },
      ];
}

/** Why no packet needs a rule that refuses; undefined if some do. */
function uselessRule(kind: string, claimants: readonly ExpectedFrontend[]): string | undefined {
  if (kind.endsWith('FIREWALL')) {
    const isGuarded = claimants.some((one) => one.kind === 'LoadBalancer' && one.service.allowed);
    return isGuarded ? undefined : 'but no load balancer IP with source ranges is there';
  }
  const isRefused = claimants.some((one) => refusalOf(one));
  return kind.startsWith('filter') && !isRefused ? 'which refuses it, but it has endpoints' : undefined;
}

function isLoopbackRange(text: string): boolean {
  return isLoopback(text.split('/')[0] ?? '');
}

function claimantsOf(key: string, { ips, nodePorts, contested }: Expectations): ExpectedFrontend[] {
  const owner = ips.get(key) ?? nodePorts.get(key);
  return [...(owner ? [owner] : []), ...(contested.get(key) ?? [])];
}

/** What is wrong with addresses and interfaces; undefined if nothing is, or if walks show it. */
function wrongAddress(
  rule: Rule,
  kind: string,
  { chain, shape, expectations, endpointAddresses }: CheckedRule,
): string | undefined {
  const { source, destination, inputInterface } = valuesOfRule(rule);
  switch (kind) {
    case 'nat SVC':
    case 'nat EXT':
      return wrongPods({ source, inputInterface }, expectations);
    case 'nat SEP': {
      const to = chain.rules.flat().flatMap((one) => (one.kind === 'dnat' ? one.address : []));
      // Walks show where it leads to what is no endpoint.
      const isWrong = source !== undefined && !to.includes(source) && to.some((one) => endpointAddresses.has(one));
      return isWrong ? 'is for another address than that of the endpoint' : undefined;
    }
    case 'filter FIREWALL': {
      const isOwn = source === '127.0.0.0/8' && destination === '127.0.0.0/8';
      return shape.startsWith('! -s') && !isOwn ? 'is not for loopback addresses' : undefined;
    }
    case 'filter SERVICES': {
      const isOwn = expectations.serviceCIDRs.some((range) => cidrText(range) === destination);
      return shape !== '-d drop' || isOwn ? undefined : 'is for a range that is not in the ServiceCIDRs';
    }
    case 'filter CLUSTER-IPS':
      return expectations.clusterIPs.has(destination ?? '') ? undefined : 'is for a cluster IP that no Service has';
    default:
      return undefined;
  }
}

/** Whether a rule recognizes pods as the node is set up to do. */
function wrongPods(
  { source, inputInterface }: Pick<RuleValues, 'source' | 'inputInterface'>,
  { detector, podCidr }: Expectations,
): string | undefined {
  if (source === undefined && inputInterface === undefined) {
    return undefined;
  }
  const isOwn =
    detector?.kind === 'interface'
      ? inputInterface === `${detector.name}${detector.prefix ? '*' : ''}`
      : podCidr !== undefined && source === cidrText(podCidr);
  return isOwn ? undefined : 'does not recognize pods as detectLocalMode says';
}
