import type { Frontend, FrontendState } from '../../frontends/frontend.ts';
import type { RulesetFacts } from '../../frontends/read-ruleset-facts.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import type { NoEndpointsCause } from '../../kubernetes/why-no-endpoints.ts';
import { escapeControls, limitList, secondsText } from '../../lib/text.ts';
import { type Family, nameOfFamily } from '../../net/network.ts';
import type { EndpointRow, FrontendType } from './inventory.ts';

/** What remarks are written from, besides the frontend. */
interface RemarkContext {
  readonly type: FrontendType;
  readonly endpoints: readonly EndpointRow[];
  readonly facts: RulesetFacts;
  /** That of the node; empty where it is unknown. */
  readonly zone: string;
  /** Why there is no endpoint at all, if that is so. */
  readonly cause: NoEndpointsCause | undefined;
}

/** What is worth knowing of a frontend, the worst first: `rejected: no endpoints`, `2 not ready`, `ClientIP 10,800 s`. */
export function writeRemarks(frontend: Frontend, context: RemarkContext): string[] {
  const { affinitySeconds, sourceRanges } = frontend;
  return [
    ...(context.type === 'NodePort' && closesNodePorts(context.facts) ? ['not open at any address of the node'] : []),
    ...remarkOnRules(frontend),
    ...remarkOnCause(context),
    ...remarkOnEndpoints(context),
    ...(sourceRanges === null ? [] : [`source ranges: ${escapeControls(cutList(sourceRanges)) || 'none'}`]),
    ...(affinitySeconds > 0 ? [`ClientIP ${secondsText(affinitySeconds)}`] : []),
  ];
}

/** What a Service without rules is remarked with: why no rule serves it. */
export function remarkOnUnserved(unserved: ServiceNote['unserved'], families: readonly Family[]): string {
  if (unserved === 'left out') {
    return 'left out: has errors';
  }
  return `${unserved ?? `no cluster IP for ${families.map(nameOfFamily).join(' or ')}`}: no rules`;
}

/** How many external IPs a remark names. */
const shownAddresses = 3;

/** What a Service is remarked with whose external IPs are not served. */
export function remarkOnExternalIPs(addresses: readonly string[]): string {
  return `not served: external IP ${limitList(addresses, shownAddresses).join(', ')} (AllowServiceExternalIPs is off)`;
}

/** What a service port is remarked with at a frontend that another one has. */
export function remarkOnHolder(holder: string): string {
  return `held by ${holder}`;
}

function closesNodePorts({ nodePortAddresses }: RulesetFacts): boolean {
  return nodePortAddresses?.kind === 'listed' && nodePortAddresses.addresses.length === 0;
}

/** Each refusal has one cause (selectEndpoints): no usable endpoint at all is rejected, none on this node is dropped. */
const refusals: Readonly<Record<NonNullable<FrontendState['refusal']>, string>> = {
  rejected: 'rejected: no endpoints',
  dropped: 'dropped: no local endpoints',
  'rejected-for-external': 'rejected for external clients',
  'dropped-for-external': 'dropped for external clients: no local endpoints',
  untranslated: 'not translated by any rule',
  'untranslated-for-external': 'not translated by any rule for external clients',
  'not-understood': 'rules not understood',
  'not-understood-for-external': 'rules not understood',
};

function remarkOnRules({ policy, refusal }: Frontend): string[] {
  if (policy === 'not understood') {
    return ['rules not understood'];
  }
  return refusal === null ? [] : [refusals[refusal]];
}

/** That there is no slice, or an empty one, is what everyone expects of a Service without endpoints. */
function remarkOnCause({ cause }: RemarkContext): string[] {
  return cause?.code === 'port-mismatch' || cause?.code === 'other-family' ? [cause.text()] : [];
}

function remarkOnEndpoints({ endpoints, zone }: RemarkContext): string[] {
  const counts = countReasons(endpoints);
  const count = (reason: Reason, words = reason.replace('-', ' ')): string[] =>
    counts.has(reason) ? [`${counts.get(reason)?.toLocaleString('en')} ${words}`] : [];
  return [
    ...count('refused-endpoint', 'refused as addresses of Services'),
    ...remarkOnTerminating(endpoints),
    ...count('not-ready'),
    ...count('not-serving'),
    ...count('terminating'),
    ...(counts.has('other-zone') ? [`hints: ${escapeControls(zone)} only`] : []),
    ...(counts.has('other-node') ? ['hints: this node only'] : []),
  ];
}

/** Where no endpoint is ready, for all or for external clients, terminating ones serve. */
function remarkOnTerminating(endpoints: readonly EndpointRow[]): string[] {
  const used = endpoints.filter(({ usedBy }) => usedBy !== 'none');
  if (areTerminating(used)) {
    // Policy Local may leave ready ones aside.
    return [endpoints.some(({ state }) => state === 'ready') ? 'all local endpoints terminating' : 'all terminating'];
  }
  const isForExternal = areTerminating(used.filter(({ usedBy }) => usedBy !== 'internal'));
  return isForExternal ? ['all terminating for external clients'] : [];
}

function areTerminating(endpoints: readonly EndpointRow[]): boolean {
  return endpoints.length > 0 && endpoints.every(({ state }) => state === 'terminating');
}

/** How many source ranges are shown. */
const shown = 10;

/** `a b c` or, of a long list, `a b c +12`. */
function cutList(texts: readonly string[]): string {
  const more = texts.length > shown ? [`+${(texts.length - shown).toLocaleString('en')}`] : [];
  return [...texts.slice(0, shown), ...more].join(' ');
}

type Reason = NonNullable<EndpointRow['leftOut']>;

function countReasons(endpoints: readonly EndpointRow[]): ReadonlyMap<Reason, number> {
  const counts = new Map<Reason, number>();
  for (const { leftOut } of endpoints) {
    if (leftOut !== null) {
      counts.set(leftOut, (counts.get(leftOut) ?? 0) + 1);
    }
  }
  return counts;
}
