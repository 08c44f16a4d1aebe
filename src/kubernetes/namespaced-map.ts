/** Values by namespace and name. A map of maps, because a joined key would cost a new string for every lookup. */
export type Namespaced<T> = Map<string, Map<string, T>>;

/** The value at a namespace and name, or undefined. */
export function getNamespaced<T>(map: Namespaced<T>, namespace: string, name: string): T | undefined {
  return map.get(namespace)?.get(name);
}

/** Sets the value at a namespace and name. */
export function setNamespaced<T>(map: Namespaced<T>, namespace: string, name: string, value: T): void {
  const names = map.get(namespace);
  if (names) {
    names.set(name, value);
  } else {
    map.set(namespace, new Map([[name, value]]));
  }
}

/** Deletes the value at a namespace and name; returns whether there was one. */
export function deleteNamespaced<T>(map: Namespaced<T>, namespace: string, name: string): boolean {
  const names = map.get(namespace);
  const found = names?.delete(name) ?? false;
  if (names?.size === 0) {
    map.delete(namespace);
  }
  return found;
}

/** All values with their namespace and name. */
export function* entriesOfNamespaced<T>(map: Namespaced<T>): Generator<[string, string, T]> {
  for (const [namespace, names] of map) {
    for (const [name, value] of names) {
      yield [namespace, name, value];
    }
  }
}
