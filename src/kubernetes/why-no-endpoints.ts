import { countOf, cutText, escapeControls, listSome, listWords, suggestClosest } from '../lib/text.ts';
import { familyOfAddress } from '../net/address.ts';
import { type Family, nameOfFamily } from '../net/network.ts';
import {
  type EndpointSources,
  hasLabel,
  type LabelIndex,
  type NamedServicePort,
  podsMatching,
  type SliceSummary,
  selectedPods,
  servicePortSource,
} from './endpoint-sources.ts';
import { getNamespaced } from './namespaced-map.ts';
import { countStates, type Labels, listPodPorts, type PodFacts } from './pods.ts';
import { ownerLabel } from './services.ts';

/** Why a service port has no endpoint, not even one that is not ready. */
export interface NoEndpointsCause {
  readonly code: 'no-slice' | 'empty-slices' | 'other-family' | 'port-mismatch';
  /** One clause, without control characters. Called only where it is shown: it compares labels of many Pods. */
  readonly text: () => string;
}

/**
 * Why no EndpointSlice has an endpoint for a service port in a family: there is no slice, all are empty or of another
 * family, or none has a port with its name and protocol (EndpointPort.name; numbers do not matter).
 */
export function whyNoEndpoints(port: NamedServicePort, family: Family, sources: EndpointSources): NoEndpointsCause {
  const { namespace, name } = port;
  const slices = getNamespaced(sources.slices, namespace, name) ?? [];
  if (slices.length === 0) {
    return { code: 'no-slice', text: () => escapeControls(whyNoSlice(port, sources)) };
  }
  const filled = slices.filter(({ endpoints }) => endpoints > 0);
  if (filled.length === 0) {
    const which =
      slices.length === 1 ? `EndpointSlice ${nameOf(port, slices[0])} is` : `its ${slices.length} EndpointSlices are`;
    return { code: 'empty-slices', text: () => escapeControls(`${which} empty${aboutSelector(port, sources)}`) };
  }
  const ofFamily = filled.filter((slice) => slice.addressType === nameOfFamily(family));
  if (ofFamily.length === 0) {
    return { code: 'other-family', text: () => escapeControls(otherFamily(port, { family, filled, sources })) };
  }
  const text = (): string =>
    withoutNumber(port, ofFamily) ?? unknownTargetPort(port, sources) ?? mismatch(port, ofFamily);
  return { code: 'port-mismatch', text: () => escapeControls(text()) };
}

function nameOf({ namespace }: NamedServicePort, slice: SliceSummary | undefined): string {
  return `${namespace}/${slice?.name ?? ''}`;
}

function whyNoSlice(port: NamedServicePort, sources: EndpointSources): string {
  // EndpointSlices have replaced v1 Endpoints, which proxies no longer read.
  if (getNamespaced(sources.legacy, port.namespace, port.name)) {
    return 'the input has its v1 Endpoints, which are not used, but no EndpointSlice: add endpointslices';
  }
  return `no EndpointSlice belongs to it${aboutStraySlice(port, sources) ?? aboutSelector(port, sources)}`;
}

/** A slice that may be meant for a Service, but has no label, one with a similar name, or another namespace. */
function aboutStraySlice({ namespace, name }: NamedServicePort, { strays }: EndpointSources): string | undefined {
  const here: ReadonlyMap<string, readonly SliceSummary[]> = strays.byNamespace.get(namespace) ?? new Map();
  const unlabeled = here.get('')?.find((slice) => slice.name === name || slice.name.startsWith(`${name}-`));
  if (unlabeled) {
    return `: EndpointSlice ${namespace}/${unlabeled.name} has no label ${ownerLabel}`;
  }
  const owners = [...here.keys()].filter((owner) => owner !== '').slice(0, compared);
  const similar = suggestClosest(name, owners);
  if (similar !== undefined) {
    const slice = `${namespace}/${here.get(similar)?.[0]?.name ?? ''}`;
    return `: EndpointSlice ${slice} has the label ${ownerLabel}=${similar}, which names no Service of the input`;
  }
  const [elsewhere] = strays.byName.get(name) ?? [];
  return elsewhere && `: EndpointSlice ${elsewhere[0]}/${elsewhere[1].name} is in another namespace`;
}

function aboutSelector({ namespace, name }: NamedServicePort, sources: EndpointSources): string {
  const { selector } = getNamespaced(sources.services, namespace, name) ?? {};
  if (!selector) {
    return '';
  }
  if (selector.length === 0) {
    return ' (it has no selector, so its EndpointSlices must be written by hand)';
  }
  const selected = selectedPods(namespace, name, sources);
  if (selected.length > 0) {
    return aboutSelected(selected, labelsText(selector));
  }
  if (podsMatching(namespace, selector, sources).length > 0) {
    return `: the pods that its selector ${labelsText(selector)} matches are finished`;
  }
  return aboutOthers(selector, namespace, sources) ?? aboutOtherNamespace(selector, namespace, sources);
}

/** Pods without an endpoint: what keeps them from having one, if their status says it. */
function aboutSelected(selected: readonly PodFacts[], selector: string): string {
  const states = selected.map(({ state }) => state);
  const groups = countStates(states, String);
  const [only] = states;
  if (states.every(({ word }) => word === 'ready' || word === 'unknown')) {
    return `, although its selector ${selector} matches ${countOf(selected.length, 'pod')}`;
  }
  if (states.length === 1 && only) {
    return `: the only pod that its selector ${selector} matches ${groups.join('').replace(/^1 /, '')}`;
  }
  return `: of the ${countOf(selected.length, 'pod')} that its selector ${selector} matches, ${groups.join(', ')}`;
}

/** How much of a key or value is shown, in characters; valid values have at most 63. */
const longestLabel = 100;

function labelsText(labels: Labels): string {
  return labels.map((label) => label.map((text) => cutText(text, longestLabel)).join('=')).join(',');
}

/** How many labels of Pods are named. */
const shownLabels = 3;

/**
 * How many combinations of labels, values of a label or names of Services are compared with those of one Service: there
 * may be a hundred thousand. What was not compared is not spoken for.
 */
const compared = 500;

/**
 * How the Pods of the namespace that fit a selector best differ from it; undefined if none has anything in common with
 * it.
 */
function aboutOthers(selector: Labels, namespace: string, sources: EndpointSources): string | undefined {
  const index = sources.podsByLabel.get(namespace);
  const total = sources.pods.get(namespace)?.size ?? 0;
  const text =
    index && (aboutNearest(selector, namespace, index) ?? aboutUnrelatedPods(selector, namespace, { index, total }));
  return text === undefined ? undefined : `: its selector is ${labelsText(selector)}, but ${text}`;
}

/** Of the Pods that have some labels of a selector, those with the most: what they have in place of the others. */
function aboutNearest(selector: Labels, namespace: string, index: LabelIndex): string | undefined {
  const withLabel = ([key, value]: Labels[number]) => index.get(key)?.get(value) ?? [];
  const known = selector.flatMap((one) =>
    withLabel(one)
      .slice(0, compared)
      .map(({ labels }) => labels),
  );
  const counted = [...new Set(known)].map((labels) => {
    const missing = selector.filter((one) => !hasLabel(labels, one));
    return { labels, missing, differs: differing(labels, missing) !== '' };
  });
  const least = counted.reduce((min, { missing }) => Math.min(min, missing.length), selector.length);
  const best = counted.filter(({ missing }) => missing.length === least);
  const chosen = best.find(({ differs }) => differs) ?? best[0];
  if (!chosen) {
    return undefined;
  }
  const { missing } = chosen;
  const nearest = best.filter((one) => one.missing.every((label) => missing.includes(label)));
  const common = selector.filter((one) => !missing.includes(one));
  const who = `pods of ${namespace} with ${labelsText(common)}`;
  // A pod with all of these labels is among those of each.
  const isComplete = common.some((one) => withLabel(one).length <= compared);
  if (!chosen.differs) {
    const similar = similarKey(missing, index);
    const keys = missing.map(([key]) => key);
    return similar === undefined
      ? `${isComplete ? 'the ' : ''}${who} have no label ${listWords(keys, 'or')}`
      : `pods of ${namespace} have ${similar}`;
  }
  const texts = nearest.map(({ labels }) => differing(labels, missing));
  const values = nearest.flatMap(({ labels }) => labels);
  return haveLabels(who, missing, { values, texts: texts.filter(Boolean), isAll: isComplete && texts.every(Boolean) });
}

/** No Pod has a label of a selector: the values that they have for its first key, or a similar key. */
function aboutUnrelatedPods(
  selector: Labels,
  namespace: string,
  { index, total }: { readonly index: LabelIndex; readonly total: number },
): string | undefined {
  const who = `pods of ${namespace}`;
  for (const label of selector) {
    const [key] = label;
    const pods = index.get(key);
    if (pods) {
      const values = [...pods.keys()].slice(0, compared).map((value) => [key, value] as const);
      const groups = [...pods.values()].flat();
      const isAll = groups.reduce((sum, group) => sum + group.pods.length, 0) === total;
      return haveLabels(who, [label], { values, texts: values.map((one) => labelsText([one])), isAll });
    }
  }
  const similar = similarKey(selector, index);
  return similar === undefined ? undefined : `${who} have ${similar}`;
}

/** What Pods have in place of missing labels. */
interface OtherLabels {
  readonly values: Labels;
  /** The same in words, for each Pod. */
  readonly texts: readonly string[];
  /** Whether all Pods in question have one. */
  readonly isAll: boolean;
}

function haveLabels(who: string, missing: Labels, { values, texts, isAll }: OtherLabels): string {
  const closest = similarValue(missing, values);
  const found = [...new Set(texts)];
  const article = isAll && (found.length === 1 || closest === undefined) ? 'the ' : '';
  return `${article}${who} have ${closest ?? listLabels(found)}`;
}

/** A label that differs from a missing one by a typo in its value. */
function similarValue(missing: Labels, values: Labels): string | undefined {
  for (const [key, value] of missing) {
    const others = new Set(values.flatMap(([one, other]) => (one === key ? [other] : [])));
    const similar = suggestClosest(value, [...others]);
    if (similar !== undefined) {
      return `${key}=${similar}`;
    }
  }
  return undefined;
}

/** A label that differs from a missing one by a typo in its key. */
function similarKey(missing: Labels, index: LabelIndex): string | undefined {
  for (const [key, value] of missing) {
    const keys = [...index].flatMap(([one, values]) => (one !== key && values.has(value) ? [one] : []));
    const similar = suggestClosest(key, keys.slice(0, compared));
    if (similar !== undefined) {
      return `${similar}=${value}`;
    }
  }
  return undefined;
}

function listLabels(texts: readonly string[]): string {
  const shownTexts = texts.slice(0, shownLabels);
  return texts.length > shownLabels ? `${shownTexts.join(', ')}, ...` : listWords(shownTexts, 'or');
}

/** The labels with keys of a selector and other values, as one text; empty if the Pod lacks them. */
function differing(labels: Labels, missing: Labels): string {
  return labelsText(labels.filter(([key, value]) => missing.some(([one, wanted]) => one === key && wanted !== value)));
}

function aboutOtherNamespace(selector: Labels, namespace: string, sources: EndpointSources): string {
  const text = labelsText(selector);
  const elsewhere = [...sources.pods.keys()].find((one) => podsMatching(one, selector, sources).length > 0);
  if (elsewhere !== undefined) {
    return `: its selector ${text} matches no pod in namespace ${namespace}, but pods in namespace ${elsewhere}`;
  }
  const count = sources.pods.get(namespace)?.size ?? 0;
  return count === 0
    ? `: no pod matches its selector ${text}, or none has an address yet`
    : `: its selector ${text} matches none of the ${countOf(count, 'pod')} in namespace ${namespace}`;
}

interface OtherFamily {
  readonly family: Family;
  /** The slices with endpoints. */
  readonly filled: readonly SliceSummary[];
  readonly sources: EndpointSources;
}

function otherFamily(port: NamedServicePort, { family, filled, sources }: OtherFamily): string {
  const types = [...new Set(filled.map(({ addressType }) => addressType))].sort();
  const [type, ...others] = types;
  if (others.length > 0 || (type !== 'IPv4' && type !== 'IPv6')) {
    const text = types.map((one) => one || 'without addressType').join(', ');
    return `its endpoints are ${text}, not ${nameOfFamily(family)}`;
  }
  const pods = selectedPods(port.namespace, port.name, sources);
  const dual = pods.filter(({ addresses }) => addresses.some((address) => familyOfAddress(address) === family));
  if (dual.length > 0) {
    return `its EndpointSlices are all ${type}, although ${dual.length} of its pods ${dual.length === 1 ? 'has' : 'have'} an ${nameOfFamily(family)} address`;
  }
  const count = filled.reduce((sum, { endpoints }) => sum + endpoints, 0);
  const noun = pods.length > 0 ? 'pod' : 'endpoint';
  return count === 1
    ? `its only ${noun} has only an ${type} address`
    : `its ${countOf(count, noun)} have only ${type} addresses`;
}

/** Whether targetPort is a name that no Pod of the Service has for a port; then its slices lack the port. */
function unknownTargetPort(port: NamedServicePort, sources: EndpointSources): string | undefined {
  const targetPort = servicePortSource(port, sources)?.targetPort;
  const pods = selectedPods(port.namespace, port.name, sources);
  if (typeof targetPort !== 'string' || pods.length === 0) {
    return undefined;
  }
  const named = pods.flatMap(({ ports }) => ports.filter(({ name }) => name === targetPort));
  if (named.some(({ protocol }) => protocol === port.protocol)) {
    return undefined;
  }
  const claim = `targetPort is ${JSON.stringify(targetPort)}, but its pods`;
  const [otherProtocol] = named;
  if (otherProtocol) {
    return `${claim} have ${targetPort} (${otherProtocol.port}) over ${otherProtocol.protocol}, not ${port.protocol}`;
  }
  const ports = listPodPorts(pods, ({ name, port: number }) => (name === '' ? `${number}` : `${name} (${number})`));
  return ports === '' ? `${claim} declare no ports` : `${claim} call their ports ${ports}`;
}

/** A port of the slices has the name and protocol, but no valid number. */
function withoutNumber(port: NamedServicePort, slices: readonly SliceSummary[]): string | undefined {
  const protocol = port.protocol.toUpperCase();
  for (const slice of slices) {
    const numberless = slice.ports.find((one) => one.name === port.portName && one.protocol.toUpperCase() === protocol);
    if (numberless) {
      const label = port.portName === '' ? 'the port' : `port ${port.portName}`;
      return typeof numberless.port === 'number'
        ? `${label} of EndpointSlice ${nameOf(port, slice)} is ${numberless.port}, which is not a port number`
        : `${label} of EndpointSlice ${nameOf(port, slice)} has no number`;
    }
  }
  return undefined;
}

/** No port of the slices has the name and protocol. */
function mismatch(port: NamedServicePort, slices: readonly SliceSummary[]): string {
  const protocol = port.protocol.toUpperCase();
  const [first, ...others] = slices;
  const rest = others.length === 1 ? 'the other slice does' : `the ${others.length} other slices do`;
  const more = others.length > 0 ? `; ${rest} not fit either` : '';
  const wanted = `port with name ${JSON.stringify(port.portName)} and protocol ${protocol}`;
  return first
    ? `EndpointSlice ${nameOf(port, first)} has ${countOf(first.endpoints, 'endpoint')}, but no ${wanted} (it has ${listPorts(first)})${more}`
    : `no EndpointSlice has a ${wanted}`;
}

/** How many ports are named. */
const shown = 4;

/** `http/TCP 9376`; a port without a name or a number matches nothing. */
function listPorts({ ports }: SliceSummary): string {
  const texts = ports.map(({ name, protocol, port }) => {
    const label = typeof name === 'string' ? name || '""' : '(no name)';
    return `${label}/${protocol} ${typeof port === 'number' ? port : '(no number)'}`;
  });
  return texts.length === 0 ? 'no ports' : listSome(texts, shown);
}
