import { selectorOf } from '../control-plane/expand-workloads.ts';
import { findObject, fullName, nameOf, namespaceIn, ofKind, parseObjectName } from '../control-plane/object-names.ts';
import { selectPods } from '../control-plane/select-pods.ts';
import { podAddresses } from '../kubernetes/pods.ts';
import { listSome } from '../lib/text.ts';
import { describeValue, isMapping, listIn, type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';
import { canonicalAddress } from '../net/address.ts';
import { listBalancedAddresses } from './load-balancer.ts';
import { rollableKinds } from './plan-steps.ts';

/** From where something is tried: a part of a lab with a network namespace. */
export type LabClient =
  | { readonly kind: 'outside' }
  | { readonly kind: 'node'; readonly name: string }
  /** `shop/frontend-0` */
  | { readonly kind: 'pod'; readonly name: string }
  /** An endpoint without a Pod. */
  | { readonly kind: 'address'; readonly name: string };

/** How `--from` is written, in messages. */
const clientForms = 'outside, node:NAME, pod:NAMESPACE/NAME, KIND/NAME of a workload, or the address of an endpoint';

/**
 * The client that a text names: `outside`, `node:node-1`, `pod:shop/frontend-0`, the first Pod of which the name begins so
 * (`pod:shop/frontend`), or the first Pod of a workload (`deployment/frontend`, `deployment/shop/frontend`), or an address.
 *
 * @returns what is wrong with it, in one line, if there is none.
 */
export function findClient(objects: readonly Mapping[], text: string): LabClient | string {
  if (text === 'outside') {
    return { kind: 'outside' };
  }
  const address = canonicalAddress(text);
  if (address !== undefined) {
    return { kind: 'address', name: address };
  }
  const [, kind = '', name = ''] = /^(node|pod):(.+)$/s.exec(text) ?? [];
  if (kind === 'node') {
    const names = ofKind(objects, 'Node').map(nameOf);
    return names.includes(name)
      ? { kind: 'node', name }
      : `there is no node ${describeValue(name)}; ${listOf('nodes', names)}`;
  }
  return kind === 'pod' ? findPod(objects, name) : findWorkloadPod(objects, text);
}

function findPod(objects: readonly Mapping[], text: string): LabClient | string {
  const names = ofKind(objects, 'Pod').map(fullName);
  const wanted = text.includes('/') ? text : `default/${text}`;
  const found = names.find((name) => name === wanted) ?? names.find((name) => name.startsWith(`${wanted}-`));
  return found === undefined
    ? `there is no Pod ${describeValue(wanted)}; ${listOf('Pods', names)}`
    : { kind: 'pod', name: found };
}

function listOf(noun: string, names: readonly string[]): string {
  return names.length === 0 ? `the lab has no ${noun}` : `${noun} are ${listSome(names, 5)}`;
}

function findWorkloadPod(objects: readonly Mapping[], text: string): LabClient | string {
  const pods = podsOfWorkload(objects, text);
  if (typeof pods === 'string') {
    return pods;
  }
  const [name] = pods;
  return name === undefined ? `${describeValue(text)} has no Pod` : { kind: 'pod', name };
}

/** The names of the Pods that a workload selects, or what is wrong with its name. */
function podsOfWorkload(objects: readonly Mapping[], text: string): string[] | string {
  const wanted = parseObjectName(text, rollableKinds);
  if (typeof wanted === 'string') {
    return text.includes('/') ? wanted : `${describeValue(text)} is not a client; expected ${clientForms}`;
  }
  const workload = findObject(objects, wanted);
  if (typeof workload === 'string') {
    return workload;
  }
  const select = selectPods(ofKind(objects, 'Pod'));
  return select(namespaceIn(workload), selectorOf(workload)).map(fullName);
}

/**
 * The names of those who answer, as their answers have them: of a Pod, the Pods of a workload, a node, or an address.
 *
 * @returns what is wrong with the text, in one line, if it names none.
 */
export function findAnswerers(objects: readonly Mapping[], text: string): readonly string[] | string {
  const address = canonicalAddress(text);
  if (address !== undefined) {
    return [address];
  }
  if (/^(node|pod):/.test(text)) {
    const found = findClient(objects, text);
    if (typeof found === 'string') {
      return found;
    }
    return found.kind === 'outside' ? [] : [found.name];
  }
  return podsOfWorkload(objects, text);
}

/** The addresses of a client. */
export function addressesOfClient(
  objects: readonly Mapping[],
  client: LabClient,
  outside: readonly string[],
): string[] {
  if (client.kind === 'outside' || client.kind === 'address') {
    return client.kind === 'outside' ? [...outside] : [client.name];
  }
  const isPod = client.kind === 'pod';
  const object = ofKind(objects, isPod ? 'Pod' : 'Node').find(
    (one) => (isPod ? fullName(one) : nameOf(one)) === client.name,
  );
  const status = mappingIn(object ?? {}, 'status');
  return isPod
    ? podAddresses(status)
    : listIn(status, 'addresses').flatMap((one) =>
        isMapping(one) ? (canonicalAddress(textIn(one, 'address')) ?? []) : [],
      );
}

/**
 * The address of the load balancer that the name of a Service stands for outside, `web.shop` or `web`; undefined for a text that is not the
 * name of one with such an address.
 */
export function findBalancedAddress(objects: readonly Mapping[], host: string): string | undefined {
  const [name = '', namespace, ...rest] = host.split('.');
  const services = ofKind(objects, 'Service').filter(
    (service) => nameOf(service) === name && (namespace === undefined || namespaceIn(service) === namespace),
  );
  const addresses = rest.length > 0 ? [] : listBalancedAddresses(services).filter(({ mode }) => mode !== 'external');
  return addresses[0]?.address;
}
