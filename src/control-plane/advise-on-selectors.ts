import { type Diagnostic, type Problem, toDiagnostic } from '../diagnostics/diagnostic.ts';
import type { Document } from '../diagnostics/document.ts';
import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { containerPorts, type Labels } from '../kubernetes/pods.ts';
import { namespaceOf, ownerLabel } from '../kubernetes/services.ts';
import { pushTo } from '../lib/lists.ts';
import { cutText, escapeControls, listSome, listWords, suggestClosest } from '../lib/text.ts';
import {
  describePath,
  describeValue,
  entriesIn,
  isMapping,
  listIn,
  type Mapping,
  mappingIn,
  textIn,
} from '../lib/unknown-values.ts';
import { selectPods } from './select-pods.ts';

/** A Service as it was in the input, and with all fields. */
export interface ResolvedService {
  readonly document: Document;
  readonly resolved: Mapping;
}

interface Advised {
  readonly services: readonly ResolvedService[];
  /** Those of the input and those of its workloads. */
  readonly pods: readonly Mapping[];
  /** Objects of any kind; those with a template of Pods count. */
  readonly workloads: readonly Mapping[];
  /** Those of the input. A Service that has some may have its Pods elsewhere. */
  readonly slices: readonly Mapping[];
}

/**
 * Warnings about selectors that match nothing, with the closest labels, and about target ports that the Pods of a Service do
 * not declare. The name of a port that no Pod declares leads nowhere; a number works, if a container listens there.
 */
export function adviseOnSelectors({ services, pods, workloads, slices }: Advised): Diagnostic[] {
  const select = selectPods(pods);
  const owners = ownersOf(slices);
  const selecting = services.map((service) => ({ service, ...selectorOf(service) })).filter(hasSelector);
  const labeled = [...workloads.flatMap(labeledTemplate), ...pods.map(labeledPod)];
  const [first] = selecting.filter(({ namespace, name }) => !getNamespaced(owners, namespace, name));
  if (first && labeled.length === 0) {
    const message = 'the input has no Pods, nor workloads that make some, so selectors of Services match nothing';
    return [adviceOn(first.service, message)];
  }
  const candidates = indexLabeled(labeled);
  let compared = 0;
  return selecting.flatMap(({ service, namespace, name, selector }) => {
    const selected = select(namespace, selector);
    if (selected.length > 0) {
      return adviseOnPorts(service, selected.filter(isRunning));
    }
    if (getNamespaced(owners, namespace, name)) {
      return [];
    }
    compared += 1;
    const message = aboutSelector(selector, namespace, {
      ...candidates,
      isCompared: compared <= mostCompared.selectors,
    });
    return message === undefined ? [] : [adviceOn(service, message)];
  });
}

interface NamedSelector {
  readonly namespace: string;
  /** Of the Service. */
  readonly name: string;
  readonly selector: Labels;
}

function selectorOf({ resolved }: ResolvedService): NamedSelector {
  const [metadata, spec] = [mappingIn(resolved, 'metadata'), mappingIn(resolved, 'spec')];
  const selector = spec['type'] === 'ExternalName' ? [] : entriesIn(spec, 'selector');
  return { namespace: namespaceOf(metadata), name: textIn(metadata, 'name'), selector };
}

function hasSelector({ selector }: NamedSelector): boolean {
  return selector.length > 0;
}

/** Services that have slices. */
function ownersOf(slices: readonly Mapping[]): Namespaced<true> {
  const owners: Namespaced<true> = new Map();
  for (const slice of slices) {
    const metadata = mappingIn(slice, 'metadata');
    setNamespaced(owners, namespaceOf(metadata), textIn(mappingIn(metadata, 'labels'), ownerLabel), true);
  }
  return owners;
}

function adviceOn({ document }: ResolvedService, message: string): Diagnostic {
  const path = ['spec', 'selector'];
  return toDiagnostic({ code: 'selector-matches-nothing', path, message: escapeControls(message) }, document);
}

/** What has the labels of Pods: a workload, or a Pod itself. */
interface Labeled {
  /** `deployment/web`. */
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
}

function labeledTemplate(workload: Mapping): Labeled[] {
  const template = mappingIn(workload, 'spec')['template'];
  const containers = isMapping(template) ? listIn(mappingIn(template, 'spec'), 'containers') : [];
  return isMapping(template) && containers.length > 0 ? [labeledAs(workload, mappingIn(template, 'metadata'))] : [];
}

function labeledPod(pod: Mapping): Labeled {
  return labeledAs({ kind: 'Pod', ...pod }, mappingIn(pod, 'metadata'));
}

function labeledAs(object: Mapping, labels: Mapping): Labeled {
  const metadata = mappingIn(object, 'metadata');
  return {
    name: `${textIn(object, 'kind').toLowerCase()}/${textIn(metadata, 'name')}`,
    namespace: namespaceOf(metadata),
    labels: entriesIn(labels, 'labels'),
  };
}

/** How many selectors are compared with labels, and with how many different sets of labels each: there may be a hundred thousand. */
const mostCompared = { selectors: 100, labels: 500 } as const;

interface Candidates {
  /** The first of those with the same labels, as the replicas of a workload have them. */
  readonly byNamespace: ReadonlyMap<string, readonly Labeled[]>;
  /** The name of the first that has all labels. */
  readonly findName: (namespace: string, selector: Labels) => string | undefined;
}

function indexLabeled(labeled: readonly Labeled[]): Candidates {
  const first = new Map<string, Labeled>();
  for (const one of labeled) {
    const key = JSON.stringify([one.namespace, one.labels]);
    if (!first.has(key)) {
      first.set(key, one);
    }
  }
  const byNamespace = new Map<string, Labeled[]>();
  for (const one of first.values()) {
    pushTo(byNamespace, one.namespace, one);
  }
  const select = selectPods(
    [...first.values()].map((one) => ({ metadata: { ...one, labels: Object.fromEntries(one.labels) } })),
  );
  const findName = (namespace: string, selector: Labels): string | undefined => {
    const [found] = select(namespace, selector);
    return found && textIn(mappingIn(found, 'metadata'), 'name');
  };
  return { byNamespace, findName };
}

/** Undefined if a workload has the labels, which has no Pods because it is scaled to none. */
function aboutSelector(
  selector: Labels,
  namespace: string,
  { byNamespace, findName, isCompared }: Candidates & { readonly isCompared: boolean },
): string | undefined {
  if (findName(namespace, selector) !== undefined) {
    return undefined;
  }
  const claim = `no Pod has ${labelsText(selector)}`;
  const here = byNamespace.get(namespace) ?? [];
  const closest = isCompared ? closestTo(selector, here.slice(0, mostCompared.labels)) : undefined;
  if (closest !== undefined) {
    return `${claim}; ${closest}`;
  }
  for (const other of isCompared ? byNamespace.keys() : []) {
    const elsewhere = findName(other, selector);
    if (elsewhere !== undefined) {
      return `${claim} in namespace ${namespace}; ${elsewhere} has it in namespace ${other}`;
    }
  }
  return here.length === 0 ? `${claim}: namespace ${namespace} has none` : claim;
}

/** Which entries of a selector labels lack. */
function missingOf(selector: Labels, labels: Labels): Labels {
  return selector.filter(([key, value]) => !labels.some(([one, other]) => one === key && other === value));
}

/** `deployment/frontend has app=frontend`: who has most of the labels, or similar ones; undefined if all differ. */
function closestTo(selector: Labels, labeled: readonly Labeled[]): string | undefined {
  const ranked = labeled.map((one) => {
    const missing = missingOf(selector, one.labels);
    const similar = missing.flatMap((label) => similarLabel(label, one.labels));
    return { ...one, missing, similar, rank: missing.length - similar.length / 2 };
  });
  const [best] = ranked.sort((a, b) => a.rank - b.rank);
  if (!best || best.rank === selector.length) {
    return undefined;
  }
  const { name, labels, missing, similar } = best;
  const others = labels.filter(([key]) => missing.some(([wanted]) => wanted === key));
  const common = selector.filter((one) => !missing.includes(one));
  const different = [similar, others].find((list) => list.length > 0);
  return different
    ? `${name} has ${labelsText(different)}`
    : `${name} has ${labelsText(common)}, but no label ${listWords(missing.map(([key]) => cutText(key, longestLabel)))}`;
}

/** The label whose value or key is that of a missing one but for a typo, if there is one. */
function similarLabel([key, value]: Labels[number], labels: Labels): Labels {
  const values = labels.flatMap(([one, other]) => (one === key ? [other] : []));
  const similar = suggestClosest(value, values);
  if (similar !== undefined) {
    return [[key, similar]];
  }
  const keys = labels.flatMap(([one, other]) => (other === value ? [one] : []));
  const similarKey = suggestClosest(key, keys);
  return similarKey === undefined ? [] : [[similarKey, value]];
}

/** How much of a key or value is shown, in characters; valid ones have at most 63, without their prefix. */
const longestLabel = 100;

function labelsText(labels: Labels): string {
  return labels.map((label) => label.map((text) => cutText(text, longestLabel)).join('=')).join(',');
}

function isRunning(pod: Mapping): boolean {
  const phase = textIn(mappingIn(pod, 'status'), 'phase');
  return phase !== 'Succeeded' && phase !== 'Failed';
}

/** @param pods those of the Service. */
function adviseOnPorts({ document, resolved }: ResolvedService, pods: readonly Mapping[]): Diagnostic[] {
  const declared = pods.map((pod) => containerPorts(mappingIn(pod, 'spec')));
  return listIn(mappingIn(resolved, 'spec'), 'ports').flatMap((port, index) => {
    const path = ['spec', 'ports', index, 'targetPort'];
    const problem = isMapping(port) ? aboutPort(port, declared) : undefined;
    return problem
      ? [toDiagnostic({ ...problem, path, message: `${describePath(path)} ${problem.message}` }, document)]
      : [];
  });
}

/** @param declared the ports of each Pod. */
function aboutPort(port: Mapping, declared: readonly (readonly Mapping[])[]): Omit<Problem, 'path'> | undefined {
  const { targetPort } = port;
  const isNamed = typeof targetPort === 'string';
  const isDeclared = (one: Mapping): boolean =>
    one[isNamed ? 'name' : 'containerPort'] === targetPort && protocolOf(one) === protocolOf(port);
  const lacking = declared.filter((ports) => !ports.some(isDeclared));
  const found = declared.length - lacking.length;
  if (lacking.length === 0 || (found > 0 && !isNamed)) {
    return undefined;
  }
  const claim = `is ${describeValue(targetPort)} (${protocolOf(port)}), but`;
  const others = escapeControls(listDeclared(lacking));
  if (!isNamed) {
    const message = `${claim} its Pods declare ${others}; it works if a container listens there all the same`;
    return { code: 'undeclared-target-port', message };
  }
  const message =
    found === 0
      ? `${claim} its Pods declare ${others}, so this port has no endpoints`
      : `${claim} only ${found} of its ${declared.length} Pods declare that, so the others, which declare ${others}, are not endpoints of this port`;
  return { code: 'unknown-target-port', message };
}

function protocolOf(port: Mapping): string {
  return textIn(port, 'protocol') || 'TCP';
}

/** How many ports are named. */
const shown = 4;

/** The ports of containers, each once: `only web 8080, dns 53 UDP`. */
function listDeclared(ports: readonly (readonly Mapping[])[]): string {
  const texts = ports.flat().map((port) => {
    const protocol = protocolOf(port);
    const words = [textIn(port, 'name'), String(port['containerPort']), protocol === 'TCP' ? '' : protocol];
    return cutText(words.filter((word) => word !== '').join(' '), longestLabel);
  });
  const distinct = [...new Set(texts)];
  return distinct.length === 0 ? 'no ports' : `only ${listSome(distinct, shown)}`;
}
