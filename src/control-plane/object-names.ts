import { namespaceOf } from '../kubernetes/services.ts';
import { escapeControls, listSome, listWords, suggestClosest } from '../lib/text.ts';
import { describeValue, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

/** Which object is meant. */
export interface WantedObject {
  /** `Deployment`. */
  readonly kind: string;
  /** Undefined: whichever has it. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The words that kubectl accepts for kinds of objects that make Pods, or lead to them. */
const kindWords: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['deployment', 'deployments', 'deploy'],
  StatefulSet: ['statefulset', 'statefulsets', 'sts'],
  DaemonSet: ['daemonset', 'daemonsets', 'ds'],
  ReplicaSet: ['replicaset', 'replicasets', 'rs'],
  ReplicationController: ['replicationcontroller', 'replicationcontrollers', 'rc'],
  Pod: ['pod', 'pods', 'po'],
  Service: ['service', 'services', 'svc'],
};

/** Whether a word is one for a kind, alone. */
export function isKindWord(word: string, kinds: readonly string[]): boolean {
  return kindOfWord(word, kinds) !== undefined;
}

function kindOfWord(word: string, kinds: readonly string[]): string | undefined {
  // A resource may be followed by its group: deployments.apps.
  return kinds.find((one) => kindWords[one]?.includes(word.toLowerCase().replace(/\..*$/, '')));
}

/**
 * Reads `deployment/web`, or with a namespace `deployment/shop/web`.
 *
 * @returns what is wrong with it, if something is.
 */
export function parseObjectName(text: string, kinds: readonly string[]): WantedObject | string {
  const [word = '', ...names] = text.split('/');
  const kind = kindOfWord(word, kinds);
  const [name = '', namespace] = names.reverse();
  if (kind === undefined || names.length > 2 || name === '' || namespace === '') {
    const known = listWords(
      kinds.map((one) => kindWords[one]?.[0] ?? one),
      'or',
    );
    return `${describeValue(text)} is not a KIND/NAME such as ${kindWords[kinds[0] ?? '']?.[0]}/web, or KIND/NAMESPACE/NAME; KIND is ${known}`;
  }
  return { kind, namespace, name };
}

/** The one object that a name means; else what is wrong, in one line. */
export function findObject(objects: readonly Mapping[], wanted: WantedObject): Mapping | string {
  const { kind, namespace, name } = wanted;
  const candidates = ofKind(objects, kind);
  const named = candidates.filter((object) => nameOf(object) === name);
  const found = named.filter((object) => namespace === undefined || namespaceIn(object) === namespace);
  const [only, ...others] = found;
  if (only && others.length === 0) {
    return only;
  }
  if (only) {
    const namespaces = found.map((one) => escapeControls(namespaceIn(one)));
    return `there is a ${kind} ${describeValue(name)} in the namespaces ${listWords(namespaces)}; say which one: ${namespaces[0]}/${escapeControls(name)}`;
  }
  const place = namespace === undefined ? '' : ` in namespace ${describeValue(namespace)}`;
  return `there is no ${kind} ${describeValue(name)}${place}; ${describeOthers(candidates, { kind, name, isFull: named.length > 0 })}`;
}

const shownNames = 5;

function describeOthers(
  objects: readonly Mapping[],
  { kind, name, isFull }: { readonly kind: string; readonly name: string; readonly isFull: boolean },
): string {
  const isNamespaced = kind !== 'Node';
  const names = objects.map((object) => escapeControls(isNamespaced ? fullName(object) : nameOf(object)));
  if (names.length === 0) {
    return `the input has no ${kind}`;
  }
  if (names.length <= shownNames) {
    return `the input has ${listWords(names)}`;
  }
  const bare = objects.map((object) => escapeControls(nameOf(object)));
  const closest = isFull ? name : suggestClosest(name, bare);
  const suggestion = closest === undefined ? undefined : names[bare.indexOf(escapeControls(closest))];
  return suggestion === undefined ? `the input has ${listSome(names, shownNames)}` : `did you mean ${suggestion}?`;
}

/** The objects of a kind, in their order. */
export function ofKind(objects: readonly Mapping[], kind: string): Mapping[] {
  return objects.filter((object) => object['kind'] === kind);
}

/** `shop/web`. */
export function fullName(object: Mapping): string {
  return `${namespaceIn(object)}/${nameOf(object)}`;
}

/** metadata.name. */
export function nameOf(object: Mapping): string {
  return textIn(mappingIn(object, 'metadata'), 'name');
}

/** metadata.namespace, or the default one. */
export function namespaceIn(object: Mapping): string {
  return namespaceOf(mappingIn(object, 'metadata'));
}
