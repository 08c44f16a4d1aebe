import { getNamespaced, type Namespaced, setNamespaced } from '../kubernetes/namespaced-map.ts';
import { namespaceOf } from '../kubernetes/services.ts';
import { type Mapping, mappingIn } from '../lib/unknown-values.ts';

/** The entries of a spec.selector, at least one. */
export type Selector = readonly (readonly [key: string, value: unknown])[];

/**
 * Finds objects by their labels; those of each namespace are indexed by all of their labels, so that thousands of Services need not look
 * at all Pods each.
 *
 * @returns a function to the objects of a namespace that have all labels of a selector, in their order.
 */
export function selectPods(pods: readonly Mapping[]): (namespace: string, selector: Selector) => Mapping[] {
  const index: Namespaced<Mapping[]> = new Map();
  for (const pod of pods) {
    const metadata = mappingIn(pod, 'metadata');
    const namespace = namespaceOf(metadata);
    for (const [key, value] of Object.entries(mappingIn(metadata, 'labels'))) {
      const label = labelText(key, value);
      const found = getNamespaced(index, namespace, label);
      if (found) {
        found.push(pod);
      } else {
        setNamespaced(index, namespace, label, [pod]);
      }
    }
  }
  return (namespace, selector) => {
    const lists = selector.map(([key, value]) => getNamespaced(index, namespace, labelText(key, value)) ?? []);
    const [shortest = []] = lists.sort((a, b) => a.length - b.length);
    return shortest.filter((pod) => hasLabels(mappingIn(mappingIn(pod, 'metadata'), 'labels'), selector));
  };
}

function hasLabels(labels: Mapping, selector: Selector): boolean {
  return selector.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value);
}

/** No key of a label has an equals sign. */
function labelText(key: string, value: unknown): string {
  return `${key}=${String(value)}`;
}
