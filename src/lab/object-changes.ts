import type { Changes } from '../engine/engine.ts';
import { namespaceOf } from '../kubernetes/services.ts';
import { type Mapping, mappingIn, textIn } from '../lib/unknown-values.ts';

/** The kinds of objects that rules follow from. */
const kinds: readonly unknown[] = ['Service', 'EndpointSlice', 'ServiceCIDR', 'Node'];

/** What a node has to be told, as a watch of the API would: what is new or different, and what is gone. Other Nodes are left out. */
export function changesBetween(before: readonly Mapping[], after: readonly Mapping[], node: string): Changes {
  const known = indexObjects(before, node);
  const wanted = indexObjects(after, node);
  const changed = [...wanted].filter(([key, object]) => !isEqual(known.get(key), object));
  const gone = [...known].filter(([key]) => !wanted.has(key));
  return {
    apply: changed.map(([, object]) => object),
    remove: gone.map(([, object]) => {
      const metadata = mappingIn(object, 'metadata');
      const kind = textIn(object, 'kind');
      const isNamespaced = kind === 'Service' || kind === 'EndpointSlice';
      return { kind, name: textIn(metadata, 'name'), ...(isNamespaced && { namespace: namespaceOf(metadata) }) };
    }),
    complete: true,
  };
}

function indexObjects(objects: readonly Mapping[], node: string): Map<string, Mapping> {
  return new Map(
    objects
      .filter((object) => kinds.includes(object['kind']))
      .filter((object) => object['kind'] !== 'Node' || textIn(mappingIn(object, 'metadata'), 'name') === node)
      .map((object) => {
        const metadata = mappingIn(object, 'metadata');
        return [JSON.stringify([object['kind'], namespaceOf(metadata), metadata['name']]), object];
      }),
  );
}

function isEqual(a: Mapping | undefined, b: Mapping): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
