import type { Protocol } from '../network.ts';
import type { Element, SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import { socketText } from '../socket-text.ts';
import { splitKey } from '../walk/key-text.ts';
import { listTargets } from './check-frontends.ts';
import { rejectChain } from './check-structure.ts';
import { ownerOf, placeOf } from './element-owners.ts';
import { isNodeAddress } from './expect-fate.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import { clientKinds, standardClients } from './list-clients.ts';
import type { Fault } from './verification.ts';
import type { Target, WalkCheck } from './walk-check.ts';

/** The set of endpoints that are masqueraded when they meet themselves (docs/ruleset.md). */
const hairpinSet = 'hairpin-connections';

/**
 * Accounts for the elements of all sets and maps, after all packets were walked: what none of them found serves nobody
 * that it should, and what it lets through nobody has asked for. Left out are dynamic sets, which traffic fills, and
 * elements of frontends that no packet can use up, as with source ranges that admit no pod, or that have a fault already:
 * who is sent elsewhere finds none of the rest.
 */
export function checkElements({ ruleset, expectations, found, faults }: WalkCheck): void {
  const unusable = unusableFrontends(expectations);
  for (const { declaration, isDynamic, entries } of ruleset.sets.values()) {
    if (declaration.name === hairpinSet) {
      checkHairpinSet(entries, expectations).forEach(faults.add);
      continue;
    }
    const unfound = isDynamic ? [] : [...entries.values()].filter((element) => !found.has(element));
    for (const element of unfound.filter((one) => !isCidr(one, declaration, expectations))) {
      const frontend = ownerOf(element, declaration, expectations);
      const isExplained =
        frontend &&
        (unusable.has(frontend) ? leadsRight(element, declaration, frontend) : faults.concerns(placeOf(frontend)));
      if (!isExplained) {
        faults.add(faultOf(element, declaration, frontend));
      }
    }
  }
}

/** A marked packet is masqueraded before this set is asked, so that here only the elements tell. */
function checkHairpinSet(entries: ReadonlyMap<string, Element>, { hairpins }: Expectations): Fault[] {
  const expected = new Map(
    [...hairpins].map((hairpin) => {
      const [address = '', protocol = '', port = ''] = hairpin.split(' ');
      return [`${address} . ${address} . ${protocol} . ${port}`, socketText({ address, port: Number(port) })];
    }),
  );
  const extra = [...entries.keys()].filter((key) => !expected.has(key));
  const missing = [...expected].filter(([key]) => !entries.has(key));
  return [
    ...extra.map(
      (key): Fault => ({
        code: 'extra-element',
        message: `${hairpinSet} has ${key}, which is no endpoint of this node`,
      }),
    ),
    ...missing.map(
      ([key, endpoint]): Fault => ({
        code: 'missing-element',
        message: `${hairpinSet} lacks ${key}: endpoint ${endpoint} cannot reach itself`,
      }),
    ),
  ];
}

/** Ranges of cluster IPs that are all in use are asked for by no packet. */
function isCidr({ key }: Element, { name }: SetDeclaration, { serviceCIDRs }: Expectations): boolean {
  return (
    name === 'service-cidrs' &&
    serviceCIDRs.some(({ address, prefix }) => [`${address}/${prefix}`, address].includes(key))
  );
}

/** Frontends of which no client, or not every kind of client, can make use. */
function unusableFrontends(expectations: Expectations): ReadonlySet<ExpectedFrontend> {
  const { ips, nodePorts } = expectations;
  const lacksKinds = standardClients(expectations).length < clientKinds.length;
  // At an address of the node an IP and a node port may be in each other's way.
  const hasRival = ({ kind }: ExpectedFrontend, { destination, protocol, port }: Target): boolean =>
    kind === 'node-port'
      ? ips.has(`${destination} ${protocol} ${port}`)
      : isNodeAddress(destination, expectations) && nodePorts.has(`${protocol} ${port}`);
  const unusable = listTargets(expectations).filter(
    ([frontend, targets]) =>
      lacksKinds ||
      (frontend.kind === 'load-balancer-ip' && frontend.service.allowed !== undefined) ||
      targets.every((target) => hasRival(frontend, target)),
  );
  return new Set(unusable.map(([frontend]) => frontend));
}

/** Whether an element leads nowhere that its Service does not: to a chain, or to one of the endpoints. */
function leadsRight({ value, key }: Element, { key: types }: SetDeclaration, frontend: ExpectedFrontend): boolean {
  const { cluster, local } = frontend.service;
  const refusal = refusalBy(frontend);
  const isEndpoint = (socket: string): boolean => [...cluster, ...local].some(({ text }) => text === socket);
  const parts = splitKey(key);
  if (value && 'address' in value) {
    return isEndpoint(socketText(value)) && Number(parts.at(-1)) < Math.max(cluster.length, local.length);
  }
  if (value) {
    return value.kind === 'drop' ? refusal === 'drop' : (value.chain === rejectChain) === (refusal === 'reject');
  }
  // Affinity: frontend and endpoint.
  const [address = '', port = ''] = parts.slice(-2);
  return types.length > 2 && types.at(-1) === 'port' && isEndpoint(socketText({ address, port: Number(port) }));
}

/** How a frontend refuses those for whom it has nothing; undefined where it has something for everybody. */
function refusalBy({ kind, service }: ExpectedFrontend): 'drop' | 'reject' | undefined {
  const { hasAny, local, internalLocal, externalLocal } = service;
  const needsLocal = kind === 'cluster-ip' ? internalLocal : externalLocal;
  const lacksLocal = needsLocal && local.length === 0;
  if (!hasAny) {
    return 'reject';
  }
  return lacksLocal ? 'drop' : undefined;
}

function faultOf(element: Element, declaration: SetDeclaration, frontend: ExpectedFrontend | undefined): Fault {
  const { key, value, comment } = element;
  const { name, key: types } = declaration;
  const socket = value && 'address' in value ? `${socketText(value)} at ${key}` : key;
  if (frontend) {
    const message = `${name} has ${socket}, which no client of it should find`;
    return { code: 'extra-element', ...placeOf(frontend), message };
  }
  const owner = comment === undefined ? '' : ` (${comment})`;
  if (!types.includes('port')) {
    return { code: 'extra-element', message: `${name} has ${socket}${owner}, which nothing in the snapshot asks for` };
  }
  return {
    code: 'extra-frontend',
    frontend: frontendText(splitKey(key), types, name),
    message: `${name} has ${socket}${owner}, but no Service has this frontend`,
  };
}

function frontendText(parts: readonly string[], types: SetDeclaration['key'], name: string): string {
  const partOf = (type: (typeof types)[number]): string => parts[types.indexOf(type)] ?? '';
  const protocol: string | undefined =
    partOf('protocol') || protocols.find((each: Protocol) => name.startsWith(`${each}-`));
  const suffix = protocol === undefined ? '' : `/${protocol}`;
  const port = partOf('port');
  return types[0] === 'address'
    ? `${socketText({ address: partOf('address'), port: Number(port) })}${suffix}`
    : `node port ${port}${suffix}`;
}
