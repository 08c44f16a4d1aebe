import type { ObjectReference } from '../../diagnostics.ts';
import { isMapping } from '../../mapping.ts';

/** Kind, namespace and name as far as a value has them, for diagnostics about objects that need not be valid. */
export function referenceOf(value: unknown): ObjectReference | undefined {
  if (!isMapping(value) || typeof value['kind'] !== 'string') {
    return undefined;
  }
  const { kind } = value;
  const metadata = isMapping(value['metadata']) ? value['metadata'] : {};
  const { name, namespace } = metadata;
  const isNamespaced = kind === 'Service' || kind === 'EndpointSlice';
  return {
    kind,
    ...(isNamespaced && typeof name === 'string'
      ? { namespace: typeof namespace === 'string' ? namespace : 'default' }
      : {}),
    ...(typeof name === 'string' ? { name } : {}),
  };
}
