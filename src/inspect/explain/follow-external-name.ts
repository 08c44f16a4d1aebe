import type { EndpointSources } from '../../kubernetes/endpoint-sources.ts';
import { getNamespaced } from '../../kubernetes/namespaced-map.ts';
import type { ServiceNote } from '../../kubernetes/service-notes.ts';
import { listWords } from '../../lib/text.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import type { ServiceTarget } from './resolve-names.ts';

/** Where a Service leads in DNS. */
export interface Followed {
  /** The last Service: not of type ExternalName, unless the names lead out of the cluster or nowhere. */
  readonly target: ServiceTarget;
  /** Whether it has another name than the one that was followed. */
  readonly isAlias: boolean;
  /** What DNS answers; empty if nothing was followed. */
  readonly remarks: readonly string[];
  /** Why the last Service is followed no further, although its external name is one of the cluster. */
  readonly deadEnd: string | undefined;
}

/** Where Services and their external names are found. */
interface Services {
  readonly notes: readonly ServiceNote[];
  readonly sources: EndpointSources;
  readonly views: readonly NodeView[];
}

/** As many CNAME records CoreDNS puts into one answer. */
const mostNames = 8;

/**
 * The Service that DNS gives for an ExternalName Service whose external name is that of a Service, over several of them if
 * need be. Ports of an ExternalName Service have no effect, but their names stand for numbers.
 */
export function followExternalName(start: ServiceTarget, services: Services): Followed {
  const { notes, sources } = services;
  const passed: string[] = [];
  const names: string[] = [];
  let target = start;
  let deadEnd: string | undefined;
  while (deadEnd === undefined) {
    const note = noteOn(target, notes);
    const host = getNamespaced(sources.services, target.namespace, target.name)?.externalName ?? '';
    const next = note?.unserved === 'ExternalName' ? serviceNamed(host) : undefined;
    if (!next) {
      break;
    }
    passed.push(fullName(target));
    deadEnd = findDeadEnd(next, { passed, notes });
    if (deadEnd === undefined) {
      names.push(host.toLowerCase().replace(/\.$/, ''));
      target = { ...target, ...next, port: portNumber(target.port, note) };
    }
  }
  const [first] = passed;
  const isAlias = first !== undefined && names.length > 0;
  return { target, isAlias, remarks: isAlias ? describe(first, names, { target, services }) : [], deadEnd };
}

function findDeadEnd(
  next: Pick<ServiceTarget, 'namespace' | 'name'>,
  { passed, notes }: Pick<Services, 'notes'> & { readonly passed: readonly string[] },
): string | undefined {
  const service = fullName(next);
  if (passed.includes(service)) {
    return `which forms a loop: ${[...passed, service].join(' -> ')}`;
  }
  if (passed.length > mostNames) {
    return `but DNS follows only ${mostNames} names in a row`;
  }
  return noteOn(next, notes) ? undefined : `but there is no Service ${service}`;
}

function noteOn(
  { namespace, name }: Pick<ServiceTarget, 'namespace' | 'name'>,
  notes: readonly ServiceNote[],
): ServiceNote | undefined {
  return notes.find((note) => note.namespace === namespace && note.name === name);
}

function fullName({ namespace, name }: Pick<ServiceTarget, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** Only the domain that clusters have by default: another one may as well be outside. */
const serviceDomain = /^([-a-z0-9]+)\.([-a-z0-9]+)\.svc(\.cluster\.local)?\.?$/i;

function serviceNamed(host: string): Pick<ServiceTarget, 'namespace' | 'name'> | undefined {
  const [, name, namespace] = serviceDomain.exec(host.toLowerCase()) ?? [];
  return name === undefined || namespace === undefined ? undefined : { namespace, name };
}

function portNumber(port: string | undefined, note: ServiceNote | undefined): string | undefined {
  const named = port === undefined ? undefined : note?.ports.find(({ name }) => name === port);
  return named ? String(named.port) : port;
}

/** `shop/db is of type ExternalName: DNS gives pg.data.svc.cluster.local, which is Service data/pg at 10.96.0.9`. */
function describe(
  first: string,
  names: readonly string[],
  { target, services }: { readonly target: ServiceTarget; readonly services: Services },
): string[] {
  const service = fullName(target);
  const clusterIPs = services.views.flatMap(({ servicePorts }) =>
    servicePorts.filter((one) => fullName(one) === service).map(({ clusterIP }) => clusterIP),
  );
  const at = clusterIPs.length === 0 ? '' : ` at ${listWords([...new Set(clusterIPs)])}`;
  const answer = `${first} is of type ExternalName: DNS gives ${names.join(', then ')}, which is Service ${service}${at}`;
  const short = names.find((name) => !name.endsWith('.cluster.local'));
  return short === undefined
    ? [answer]
    : [
        answer,
        `external name ${short} lacks the cluster domain, which DNS does not add to it, so clients may not find it; write ${short}.cluster.local`,
      ];
}
