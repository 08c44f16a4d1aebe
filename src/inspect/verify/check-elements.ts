import { endpointText, type Family, type Protocol, protocols } from '../../net/network.ts';
import type { Element, SetDeclaration } from '../../nft/ruleset.ts';
import { elementsOfList, splitKey } from '../../nft/ruleset-parts.ts';
import { listTargets } from './check-frontends.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import { frontendLabel, placeOf } from './fault-collector.ts';
import { clientKinds, standardClients } from './list-clients.ts';
import type { Fault } from './verification.ts';
import type { ProbeTarget, WalkCheck } from './walk-check.ts';

/** For Services without endpoints; always there, even if none needs it (docs/ruleset.md). */
export const rejectChain = 'reject-chain';

/** The set of endpoints that are masqueraded when they reach themselves (docs/ruleset.md). */
const hairpinSet = 'hairpin-connections';

/**
 * Adds a fault for each element that no packet matched; call it after all packets were walked. Such an element serves
 * no client of the snapshot, so what it lets through was not asked for. Exempt are dynamic sets, which traffic fills;
 * frontends that the packets cannot use up, as with source ranges that admit no pod; and frontends that have a fault
 * already, because packets that go elsewhere miss the rest of the elements.
 *
 * @param isExpected whether an element may be there without any packet for it, by its key.
 */
export function checkElements(
  { ruleset, expectations, found, drawn, faults }: WalkCheck,
  isExpected: (key: string) => boolean = () => false,
): void {
  const { family } = expectations;
  const unusable = unusableFrontends(expectations);
  for (const { declaration, isDynamic, entries, lists } of ruleset.sets.values()) {
    if (declaration.name === hairpinSet) {
      checkHairpinSet(entries, declaration, expectations).forEach(faults.add);
      continue;
    }
    const ofLists = [...lists.values()].flatMap((list) => elementsOfList(list, drawn.get(list) ?? 0));
    const unfound = isDynamic ? [] : [...[...entries.values()].filter((element) => !found.has(element)), ...ofLists];
    for (const element of unfound.filter(
      (one) => !isServiceCidr(one, declaration, expectations) && !isExpected(one.key),
    )) {
      const frontend = frontendOf(element, declaration, expectations);
      const isExplained =
        frontend &&
        (unusable.has(frontend)
          ? leadsToService(element, declaration, frontend)
          : faults.concerns(placeOf(frontend, family)));
      if (!isExplained) {
        faults.add(faultOf(element, declaration, { frontend, family }));
      }
    }
  }
}

/** Marked packets are masqueraded before this set is looked up, so no walk shows its faults; its elements do. */
function checkHairpinSet(
  entries: ReadonlyMap<string, Element>,
  { key: types }: SetDeclaration,
  { hairpins, hairpinKeysOfNode }: Expectations,
): Fault[] {
  // That of kube-proxy has protocol and port as well.
  const expected = types.includes('port')
    ? new Map([...hairpinKeysOfNode].map((key) => [key, splitKey(key)[0] ?? '']))
    : new Map([...hairpins].map((address) => [`${address} . ${address}`, address]));
  const extra = [...entries.keys()].filter((key) => !expected.has(key));
  const missing = [...expected].filter(([key]) => !entries.has(key));
  return [
    ...extra.map(
      (key): Fault => ({
        code: 'extra-element',
        message: `${hairpinSet} has ${key}, which is not an endpoint on this node`,
      }),
    ),
    ...missing.map(
      ([key, address]): Fault => ({
        code: 'missing-element',
        message: `${hairpinSet} lacks ${key}: an endpoint at ${address} cannot reach itself`,
      }),
    ),
  ];
}

/** No packet matches a Service CIDR whose addresses are all in use. */
function isServiceCidr({ key }: Element, { name }: SetDeclaration, { serviceCIDRs }: Expectations): boolean {
  return (
    name === 'service-cidrs' &&
    serviceCIDRs.some(({ address, prefix }) => [`${address}/${prefix}`, address].includes(key))
  );
}

/** Frontends that some kinds of clients, or all, cannot use. */
function unusableFrontends(expectations: Expectations): ReadonlySet<ExpectedFrontend> {
  const { ips, nodePorts } = expectations;
  const lacksKinds = standardClients(expectations).length < clientKinds.length;
  // At an address of the node, an IP and a node port may claim the same port.
  const hasOtherClaimant = ({ kind }: ExpectedFrontend, { destination, protocol, port }: ProbeTarget): boolean =>
    kind === 'NodePort'
      ? ips.has(`${destination} ${protocol} ${port}`)
      : isNodeAddress(destination, expectations) && nodePorts.has(`${protocol} ${port}`);
  const unusable = listTargets(expectations).filter(
    ([frontend, targets]) =>
      lacksKinds ||
      (frontend.kind === 'LoadBalancer' && frontend.service.allowed !== undefined) ||
      targets.every((target) => hasOtherClaimant(frontend, target)),
  );
  return new Set(unusable.map(([frontend]) => frontend));
}

/** Whether an element leads where its Service does: to a chain of the right kind, or to one of its endpoints. */
function leadsToService({ value, key }: Element, { key: types }: SetDeclaration, frontend: ExpectedFrontend): boolean {
  const { cluster, local } = frontend.service;
  const refusal = refusalBy(frontend);
  const isEndpoint = (endpointAddress: string): boolean =>
    [...cluster, ...local].some(({ text }) => text === endpointAddress);
  const parts = splitKey(key);
  if (value && 'address' in value) {
    return isEndpoint(endpointText(value)) && Number(parts.at(-1)) < Math.max(cluster.length, local.length);
  }
  if (value) {
    return value.kind === 'drop' ? refusal === 'drop' : (value.chain === rejectChain) === (refusal === 'reject');
  }
  // Affinity: frontend and endpoint.
  const [address = '', port = ''] = parts.slice(-2);
  return types.length > 2 && types.at(-1) === 'port' && isEndpoint(endpointText({ address, port: Number(port) }));
}

/** How a frontend refuses clients for whom it has no endpoint; undefined if it has one for every client. */
function refusalBy({ kind, service }: ExpectedFrontend): 'drop' | 'reject' | undefined {
  const { hasAny, local, internalLocal, externalLocal } = service;
  const needsLocal = kind === 'ClusterIP' ? internalLocal : externalLocal;
  const lacksLocal = needsLocal && local.length === 0;
  if (!hasAny) {
    return 'reject';
  }
  return lacksLocal ? 'drop' : undefined;
}

function faultOf(
  element: Element,
  declaration: SetDeclaration,
  { frontend, family }: { readonly frontend: ExpectedFrontend | undefined; readonly family: Family },
): Fault {
  const { key, value, comment } = element;
  const { name, key: types } = declaration;
  const endpointAddress = value && 'address' in value ? `${endpointText(value)} at ${key}` : key;
  if (frontend) {
    const message = `${name} has ${endpointAddress}, which no client of this frontend should match`;
    return { code: 'extra-element', ...placeOf(frontend, family), message };
  }
  const owner = comment === undefined ? '' : ` (${comment})`;
  if (!types.includes('port')) {
    return {
      code: 'extra-element',
      message: `${name} has ${endpointAddress}${owner}, which nothing in the snapshot calls for`,
    };
  }
  return {
    code: 'extra-frontend',
    frontend: textOfKey(splitKey(key), declaration, family),
    message: `${name} has ${endpointAddress}${owner}, but no Service has this frontend`,
  };
}

function textOfKey(parts: readonly string[], { key: types, name }: SetDeclaration, family: Family): string {
  const partOf = (type: (typeof types)[number]): string => parts[types.indexOf(type)] ?? '';
  const protocol = partOf('protocol') || (protocols.find((each: Protocol) => name.startsWith(`${each}-`)) ?? '');
  const address = types[0] === 'address' ? partOf('address') : undefined;
  return frontendLabel({ address, port: Number(partOf('port')), protocol }, family);
}

/** The frontend that the key of an element begins with; undefined if no Service has it. */
export function frontendOf(
  { key }: Element,
  { key: types, protocol, name }: SetDeclaration,
  { ips, nodePorts }: Expectations,
): ExpectedFrontend | undefined {
  const parts = splitKey(key);
  const partOf = (type: string): string | undefined => parts[types.indexOf(type as (typeof types)[number])];
  const port = partOf('port');
  const address = types[0] === 'address' ? partOf('address') : undefined;
  const known = partOf('protocol') ?? protocol ?? protocols.find((each) => name.startsWith(`${each}-`));
  const candidates: readonly string[] = known === undefined ? protocols : [known];
  for (const each of candidates) {
    const frontend = address === undefined ? nodePorts.get(`${each} ${port}`) : ips.get(`${address} ${each} ${port}`);
    if (frontend) {
      return frontend;
    }
  }
  return undefined;
}
