import type { LeftOutReason } from '../../frontends/endpoints.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { escapeControls } from '../../lib/text.ts';
import type { EndpointRow, FrontendRow, FrontendType } from './inventory.ts';
import type { RulesetFacts } from './list-frontends.ts';
import { cutList } from './render-table.ts';

/** What remarks are made from, besides the frontend. */
export interface RemarkContext {
  readonly type: FrontendType;
  readonly endpoints: readonly EndpointRow[];
  readonly facts: RulesetFacts;
  /** That of the node; empty where nobody says. */
  readonly zone: string;
}

/** What is worth knowing of a frontend, the worst first: `rejected: no endpoints`, `2 not ready`, `ClientIP 10800s`. */
export function writeRemarks(frontend: Frontend, context: RemarkContext): string[] {
  const { affinitySeconds, sourceRanges } = frontend;
  return [
    ...(context.type === 'NodePort' && context.facts.closesNodePorts ? ['open at no address of the node'] : []),
    ...remarkOnRules(frontend),
    ...remarkOnEndpoints(context),
    ...(sourceRanges === null ? [] : [`source ranges: ${escapeControls(cutList(sourceRanges, ' ')) || 'none'}`]),
    ...(affinitySeconds > 0 ? [`ClientIP ${affinitySeconds}s`] : []),
  ];
}

/** Refusals have a cause each (see Selection): nothing to use at all is rejected, nothing on this node is dropped. */
const refusals: Readonly<Record<NonNullable<FrontendRow['refusal']>, string>> = {
  rejected: 'rejected: no endpoints',
  dropped: 'dropped: no local endpoints',
  'rejected for external clients': 'rejected for external clients',
  'dropped for external clients': 'dropped for external clients: no local endpoints',
  untranslated: 'no rule translates it',
  'untranslated for external clients': 'no rule translates it for external clients',
  'not understood': 'rules not understood',
  'not understood for external clients': 'rules not understood',
};

function remarkOnRules({ policy, refusal }: Frontend): string[] {
  if (policy === 'not understood') {
    return ['rules not understood'];
  }
  return refusal === null ? [] : [refusals[refusal]];
}

function remarkOnEndpoints({ endpoints, zone }: RemarkContext): string[] {
  const counts = countReasons(endpoints);
  const count = (reason: LeftOutReason): string[] => (counts.has(reason) ? [`${counts.get(reason)} ${reason}`] : []);
  return [
    ...remarkOnDying(endpoints),
    ...count('not ready'),
    ...count('not serving'),
    ...count('terminating'),
    ...(counts.has('other zone') ? [`hints: ${escapeControls(zone)} only`] : []),
    ...(counts.has('other node') ? ['hints: this node only'] : []),
  ];
}

/** Where no endpoint is ready, for everybody or for those outside, terminating ones serve. */
function remarkOnDying(endpoints: readonly EndpointRow[]): string[] {
  const used = endpoints.filter(({ usedBy }) => usedBy !== 'nobody');
  if (areDying(used)) {
    // Policy Local may leave ready ones aside.
    return [endpoints.some(({ state }) => state === 'ready') ? 'all local ones terminating' : 'all terminating'];
  }
  return areDying(used.filter(({ usedBy }) => usedBy !== 'pods and node')) ? ['from outside: all terminating'] : [];
}

function areDying(endpoints: readonly EndpointRow[]): boolean {
  return endpoints.length > 0 && endpoints.every(({ state }) => state === 'terminating');
}

function countReasons(endpoints: readonly EndpointRow[]): ReadonlyMap<LeftOutReason, number> {
  const counts = new Map<LeftOutReason, number>();
  for (const { leftOut } of endpoints) {
    if (leftOut !== null) {
      counts.set(leftOut, (counts.get(leftOut) ?? 0) + 1);
    }
  }
  return counts;
}
