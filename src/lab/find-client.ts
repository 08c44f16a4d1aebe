import { selectPods } from '../control-plane/select-pods.ts';
import { namespaceOf } from '../kubernetes/services.ts';
import { listSome } from '../lib/text.ts';
import { describeValue, isMapping, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

/** From where something is tried: a part of a lab with a network namespace. */
export type LabClient =
  | { readonly kind: 'outside' }
  | { readonly kind: 'node'; readonly name: string }
  /** `shop/frontend-0` */
  | { readonly kind: 'pod'; readonly name: string };

/** How `--from` is written, in messages. */
const clientForms = 'outside, node:NAME, pod:NAMESPACE/NAME or KIND/NAME of a workload';

/**
 * The client that a text names: `outside`, `node:node-1`, `pod:shop/frontend-0`, the first Pod of which the name begins so
 * (`pod:shop/frontend`), or the first Pod of a workload (`deployment/frontend`, `deployment/shop/frontend`).
 *
 * @returns what is wrong with it, in one line, if there is none.
 */
export function findClient(objects: readonly Mapping[], text: string): LabClient | string {
  if (text === 'outside') {
    return { kind: 'outside' };
  }
  const [, kind = '', name = ''] = /^(node|pod):(.+)$/s.exec(text) ?? [];
  if (kind === 'node') {
    const names = namesOf(objects, 'Node');
    return names.includes(name)
      ? { kind: 'node', name }
      : `there is no node ${describeValue(name)}; ${listOf('nodes', names)}`;
  }
  return kind === 'pod' ? findPod(objects, name) : findWorkloadPod(objects, text);
}

function findPod(objects: readonly Mapping[], text: string): LabClient | string {
  const names = namesOf(objects, 'Pod');
  const wanted = text.includes('/') ? text : `default/${text}`;
  const found = names.find((name) => name === wanted) ?? names.find((name) => name.startsWith(`${wanted}-`));
  return found === undefined
    ? `there is no Pod ${describeValue(wanted)}; ${listOf('Pods', names)}`
    : { kind: 'pod', name: found };
}

/** Names of objects that run, with their namespace where they have one. */
function namesOf(objects: readonly Mapping[], kind: string): string[] {
  return objects.filter((object) => object['kind'] === kind).map((object) => fullName(object));
}

function fullName(object: Mapping): string {
  const metadata = mappingIn(object, 'metadata');
  const name = textIn(metadata, 'name');
  return object['kind'] === 'Node' ? name : `${namespaceOf(metadata)}/${name}`;
}

function listOf(noun: string, names: readonly string[]): string {
  return names.length === 0 ? `the lab has no ${noun}` : `${noun} are ${listSome(names, 5)}`;
}

/** The first Pod that a workload selects. */
function findWorkloadPod(objects: readonly Mapping[], text: string): LabClient | string {
  const parts = text.split('/');
  const [kind = '', name = ''] = [parts[0], parts.at(-1)];
  if (parts.length < 2 || parts.length > 3 || kind === '' || name === '') {
    return `${describeValue(text)} is not a client; expected ${clientForms}`;
  }
  const namespace = parts.length === 3 ? parts[1] : undefined;
  const workload = objects.find(
    (object) =>
      textIn(object, 'kind').toLowerCase() === kind.toLowerCase() &&
      textIn(mappingIn(object, 'metadata'), 'name') === name &&
      (namespace === undefined || namespaceOf(mappingIn(object, 'metadata')) === namespace),
  );
  if (!workload) {
    return `there is no ${kind} ${describeValue(name)} in the lab`;
  }
  const spec = mappingIn(workload, 'spec');
  const selector = mappingIn(spec, 'selector');
  const labels = isMapping(selector['matchLabels']) ? selector['matchLabels'] : selector;
  const all =
    Object.keys(labels).length > 0 ? labels : mappingIn(mappingIn(mappingIn(spec, 'template'), 'metadata'), 'labels');
  const select = selectPods(objects.filter((object) => object['kind'] === 'Pod'));
  const [pod] = select(namespaceOf(mappingIn(workload, 'metadata')), Object.entries(all));
  return pod ? { kind: 'pod', name: fullName(pod) } : `${kind} ${describeValue(name)} has no Pod`;
}
