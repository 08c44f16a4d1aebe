import type { Document } from '../diagnostics/document.ts';
import { pushTo } from '../lib/lists.ts';
import { countOf, escapeControls } from '../lib/text.ts';
import { isMapping, listIn, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { type Family, nameOfFamily, type Protocol } from '../net/network.ts';
import { getNamespaced, type Namespaced, setNamespaced } from './namespaced-map.ts';
import { namespaceOf, ownerLabel } from './services.ts';

/** Where endpoints of Services come from, by the objects of a snapshot. */
export interface EndpointSources {
  /** EndpointSlices by the Service that they belong to. */
  readonly slices: Namespaced<SliceSummary[]>;
  /** What each Service says about its endpoints. */
  readonly services: Namespaced<ServiceSource>;
  /** Labels of the Pods of each namespace. */
  readonly pods: ReadonlyMap<string, readonly Labels[]>;
  /** Services with a v1 Endpoints object. */
  readonly legacy: Namespaced<true>;
}

interface ServiceSource {
  /** spec.selector; empty if there is none. */
  readonly selector: Labels;
  /** spec.externalName; empty if there is none. */
  readonly externalName: string;
}

type Labels = readonly (readonly [key: string, value: string])[];

interface SliceSummary {
  readonly name: string;
  readonly addressType: string;
  /** How many endpoints with an address. */
  readonly endpoints: number;
  /** Addresses of the first of them, canonical. */
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly name: unknown; readonly protocol: string; readonly port: unknown }[];
}

/** The sources of endpoints in a snapshot. Nothing is validated; malformed values count as absent. */
export function readEndpointSources(documents: readonly Document[]): EndpointSources {
  const slices: Namespaced<SliceSummary[]> = new Map();
  const services: Namespaced<ServiceSource> = new Map();
  const pods = new Map<string, Labels[]>();
  const legacy: Namespaced<true> = new Map();
  for (const { value } of documents) {
    if (!isMapping(value)) {
      continue;
    }
    const metadata = mappingIn(value, 'metadata');
    const namespace = namespaceOf(metadata);
    const name = textIn(metadata, 'name');
    switch (value['kind']) {
      case 'EndpointSlice':
        addToList(slices, [namespace, textIn(mappingIn(metadata, 'labels'), ownerLabel)], summarizeSlice(name, value));
        break;
      case 'Service':
        setNamespaced(services, namespace, name, sourceOf(mappingIn(value, 'spec')));
        break;
      case 'Pod':
        pushTo(pods, namespace, labelsIn(metadata, 'labels'));
        break;
      case 'Endpoints':
        setNamespaced(legacy, namespace, name, true);
        break;
    }
  }
  return { slices, services, pods, legacy };
}

function sourceOf(spec: Mapping): ServiceSource {
  return { selector: labelsIn(spec, 'selector'), externalName: textIn(spec, 'externalName') };
}

function addToList<T>(lists: Namespaced<T[]>, [namespace, name]: readonly [string, string], item: T): void {
  const list = getNamespaced(lists, namespace, name);
  if (list) {
    list.push(item);
  } else {
    setNamespaced(lists, namespace, name, [item]);
  }
}

/** How many addresses of a slice are kept. */
const keptAddresses = 3;

function summarizeSlice(name: string, slice: Mapping): SliceSummary {
  const addresses = listIn(slice, 'endpoints').flatMap((one) =>
    isMapping(one) ? listIn(one, 'addresses').slice(0, 1) : [],
  );
  return {
    name,
    addressType: textIn(slice, 'addressType'),
    endpoints: addresses.length,
    addresses: addresses.slice(0, keptAddresses).flatMap((text) => canonicalAddress(String(text)) ?? []),
    ports: listIn(slice, 'ports')
      .filter(isMapping)
      .map((port) => ({ name: port['name'], protocol: textIn(port, 'protocol') || 'TCP', port: port['port'] })),
  };
}

function textIn(parent: Mapping, field: string): string {
  const value = parent[field];
  return typeof value === 'string' ? value : '';
}

function labelsIn(parent: Mapping, field: string): Labels {
  return Object.entries(mappingIn(parent, field)).map(([key, value]) => [key, String(value)]);
}

/** A service port that has no endpoint in any condition. */
export interface EndpointlessPort {
  readonly namespace: string;
  /** Of the Service. */
  readonly name: string;
  /** Empty for an unnamed port. */
  readonly portName: string;
  readonly protocol: Protocol;
}

/** Why a service port has no endpoint, not even one that is not ready. */
export interface NoEndpointsCause {
  readonly code: 'no-slice' | 'empty-slices' | 'other-family' | 'port-mismatch';
  /** One clause, without control characters. */
  readonly text: string;
}

/**
 * Why no EndpointSlice has an endpoint for a service port in a family: there is no slice, all are empty or of another
 * family, or none has a port with its name and protocol (EndpointPort.name; numbers do not matter).
 */
export function whyNoEndpoints(port: EndpointlessPort, family: Family, sources: EndpointSources): NoEndpointsCause {
  const { namespace, name } = port;
  const slices = getNamespaced(sources.slices, namespace, name) ?? [];
  if (slices.length === 0) {
    // EndpointSlices have replaced v1 Endpoints, which proxies no longer read.
    const legacy = 'the input has its v1 Endpoints, which are not used, but no EndpointSlice: add endpointslices';
    const text = `no EndpointSlice belongs to it${aboutSelector(port, sources)}`;
    return { code: 'no-slice', text: getNamespaced(sources.legacy, namespace, name) ? legacy : text };
  }
  const filled = slices.filter(({ endpoints }) => endpoints > 0);
  if (filled.length === 0) {
    const which =
      slices.length === 1 ? `EndpointSlice ${nameOf(port, slices[0])} is` : `its ${slices.length} EndpointSlices are`;
    return { code: 'empty-slices', text: `${which} empty${aboutSelector(port, sources)}` };
  }
  const addressType = nameOfFamily(family);
  const [first, ...others] = filled.filter((slice) => slice.addressType === addressType);
  if (!first) {
    const types = [...new Set(filled.map((slice) => slice.addressType || 'without addressType'))].sort().join(', ');
    return { code: 'other-family', text: escapeControls(`its endpoints are ${types}, not ${addressType}`) };
  }
  const rest = others.length === 1 ? 'the other slice does' : `the ${others.length} other slices do`;
  const more = others.length > 0 ? `; ${rest} not fit either` : '';
  const wanted = `port with name ${JSON.stringify(port.portName)} and protocol ${port.protocol.toUpperCase()}`;
  const text = `EndpointSlice ${nameOf(port, first)} has ${countOf(first.endpoints, 'endpoint')}, but no ${wanted} (it has ${listPorts(first)})${more}`;
  return { code: 'port-mismatch', text: escapeControls(text) };
}

function nameOf({ namespace }: EndpointlessPort, slice: SliceSummary | undefined): string {
  return escapeControls(`${namespace}/${slice?.name ?? ''}`);
}

function aboutSelector({ namespace, name }: EndpointlessPort, { services, pods }: EndpointSources): string {
  const selector = getNamespaced(services, namespace, name)?.selector ?? [];
  if (selector.length === 0) {
    return ' (it has no selector, so its EndpointSlices must be written by hand)';
  }
  const text = escapeControls(selector.map(([key, value]) => `${key}=${value}`).join(','));
  const known = pods.get(namespace) ?? [];
  if (known.length === 0) {
    return `: no pod matches its selector ${text}, or none has an address yet`;
  }
  const matching = known.filter((labels) => selector.every((one) => labels.some((label) => isSame(one, label))));
  return matching.length === 0
    ? `: its selector ${text} matches none of the ${countOf(known.length, 'Pod')} in namespace ${escapeControls(namespace)}`
    : `, although its selector ${text} matches ${countOf(matching.length, 'Pod')}`;
}

function isSame([key, value]: Labels[number], [otherKey, otherValue]: Labels[number]): boolean {
  return key === otherKey && value === otherValue;
}

/** How many ports are named. */
const shown = 4;

/** `http/TCP 9376`; a port without a name or a number matches nothing. */
function listPorts({ ports }: SliceSummary): string {
  const texts = ports.slice(0, shown).map(({ name, protocol, port }) => {
    const label = typeof name === 'string' ? name || '""' : '(no name)';
    return `${label}/${protocol} ${typeof port === 'number' ? port : '(no number)'}`;
  });
  const more = ports.length > shown ? ` and ${ports.length - shown} more` : '';
  return texts.length === 0 ? 'no ports' : `${texts.join(', ')}${more}`;
}
