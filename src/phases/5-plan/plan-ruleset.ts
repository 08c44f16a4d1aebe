import { collectAll } from '../../collect-all.ts';
import type { Diagnostic } from '../../diagnostics.ts';
import type { CompileOptions } from '../../options.ts';
import type { NodeView } from '../3-model/model.ts';
import type { SelectedView } from '../4-select/select-view.ts';
import { collectDispatchChains } from './collect-dispatch-chains.ts';
import { planDispatchChain } from './dispatch-chains.ts';
import { fillSets } from './fill-sets.ts';
import { planFixedChains } from './fixed-chains.ts';
import type { Claim, ElementPlacement } from './fragment.ts';
import { planPinChains, type StickyFrontend } from './pin-chains.ts';
import { type FragmentContext, planFragment } from './plan-fragment.ts';
import { resolveClaims } from './resolve-claims.ts';
import type { Chain, Element, Ruleset, SetDeclaration } from './ruleset.ts';
import * as sets from './set-declarations.ts';

/** Plans the whole ruleset of one family, and tells which service ports want the same address. */
export function planRuleset(
  { view, ports }: SelectedView,
  options: CompileOptions,
): { ruleset: Ruleset; diagnostics: Diagnostic[] } {
  const context = contextOf(view, options);
  const fragments = ports.map(({ servicePort, selection }) => planFragment(servicePort, selection, context));
  const { held, diagnostics } = resolveClaims(collectAll(fragments, (fragment) => fragment.claims));
  const sticky = collectSticky(held);
  const dispatch = collectDispatchChains(held.map(({ chain }) => chain));
  const chains: Chain[] = [
    ...collectAll(fragments, (fragment) => fragment.ownedChains),
    ...dispatch.map((chain) => planDispatchChain(chain, context)),
    ...planPinChains(sticky),
    ...planFixedChains(context),
  ];
  const declared = [...sets.fixedSets, ...pinSets(sticky), ...collectAll(fragments, (fragment) => fragment.ownedSets)];
  const shared = [...nodePlacements(view), ...collectAll(fragments, (fragment) => fragment.shared)];
  const claimed = collectAll(held, (claim) => claim.placements);
  return {
    ruleset: {
      family: view.family,
      table: options.table,
      comment: 'Kubernetes Services, by svc2nft',
      sets: fillSets(declared, shared, claimed),
      chains,
    },
    diagnostics,
  };
}

function contextOf(view: NodeView, options: CompileOptions): FragmentContext {
  return {
    family: view.family,
    mark: 2 ** options.masqueradeBit,
    masqueradeAll: options.masqueradeAll,
    detector: view.detector,
    nodePortAddresses: view.nodePortAddresses,
    primaryAddress: view.primaryAddress,
    flatAffinity: view.family === 'ip' || options.targetNft === '1.1.3',
  };
}

function nodePlacements({ serviceCIDRs, nodePortAddresses }: NodeView): ElementPlacement[] {
  const elementsOf = (texts: readonly string[]): Element[] => texts.map((key) => ({ key }));
  const cidrs = { set: sets.serviceCidrs, elements: elementsOf(serviceCIDRs) };
  return nodePortAddresses.kind === 'all'
    ? [cidrs]
    : [cidrs, { set: sets.nodePortIps, elements: elementsOf(nodePortAddresses.addresses) }];
}

/** Each kind of sticky frontend once, sorted. */
function collectSticky(claims: readonly Claim[]): StickyFrontend[] {
  const byName = new Map<string, StickyFrontend>();
  for (const { sticky } of claims) {
    if (sticky) {
      byName.set(`${sticky.protocol} ${sticky.frontend} ${String(sticky.seconds).padStart(10)}`, sticky);
    }
  }
  return [...byName.keys()].sort().flatMap((name) => byName.get(name) ?? []);
}

function pinSets(sticky: readonly StickyFrontend[]): SetDeclaration[] {
  const protocols = [...new Set(sticky.map(({ protocol }) => protocol))];
  return protocols.flatMap((protocol) => [sets.pinMap(protocol), sets.pinSet(protocol)]);
}
