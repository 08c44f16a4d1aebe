import { isMapping } from '../../mapping.ts';
import type { Document, Source } from './document.ts';

/** Lists inside lists deeper than this stay as they are; a path is copied for each level. */
const deepestPath = 64;

/**
 * The objects in a parsed value, in their order: the value itself, or the items of a `kind: List`, of a typed list such
 * as ServiceList, whose items may leave out kind and apiVersion (metav1.List), or of a plain list at the top.
 */
export function expandLists(value: unknown, source: Source): Document[] {
  const objects: Document[] = [];
  const pending: Document[] = [{ value, source, path: [] }];
  for (let document = pending.pop(); document; document = pending.pop()) {
    const items = document.path.length < deepestPath ? itemsOf(document) : undefined;
    if (items) {
      pushReversed(pending, items);
    } else {
      objects.push(document);
    }
  }
  return objects;
}

function pushReversed(pending: Document[], items: readonly Document[]): void {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item) {
      pending.push(item);
    }
  }
}

function itemsOf({ value, source, path }: Document): Document[] | undefined {
  if (Array.isArray(value)) {
    return path.length === 0 ? value.map((item, index) => ({ value: item, source, path: [index] })) : undefined;
  }
  if (!isMapping(value) || typeof value['kind'] !== 'string' || !value['kind'].endsWith('List')) {
    return undefined;
  }
  const { kind, apiVersion } = value;
  const items = value['items'] ?? (kind === 'List' || 'items' in value ? [] : undefined);
  if (!Array.isArray(items)) {
    return undefined;
  }
  const defaults = kind === 'List' ? undefined : { kind: value['kind'].slice(0, -'List'.length), apiVersion };
  return items.map((item, index) => ({ value: withKind(item, defaults), source, path: [...path, 'items', index] }));
}

function withKind(item: unknown, defaults: object | undefined): unknown {
  return defaults && isMapping(item) && item['kind'] === undefined ? { ...defaults, ...item } : item;
}
