/** Things by namespace and name: maps in a map, as putting the two together costs a new text for each question. */
export type Namespaced<T> = Map<string, Map<string, T>>;

/** What stands at a namespace and name; undefined for nothing. */
export function getNamespaced<T>(map: Namespaced<T>, namespace: string, name: string): T | undefined {
  return map.get(namespace)?.get(name);
}

/** Puts a value at a namespace and name. */
export function setNamespaced<T>(map: Namespaced<T>, namespace: string, name: string, value: T): void {
  const names = map.get(namespace);
  if (names) {
    names.set(name, value);
  } else {
    map.set(namespace, new Map([[name, value]]));
  }
}

/** Takes away what stands at a namespace and name; whether there was anything. */
export function deleteNamespaced<T>(map: Namespaced<T>, namespace: string, name: string): boolean {
  const names = map.get(namespace);
  const found = names?.delete(name) ?? false;
  if (names?.size === 0) {
    map.delete(namespace);
  }
  return found;
}

/** Everything with its namespace and name. */
export function* entriesOfNamespaced<T>(map: Namespaced<T>): Generator<[string, string, T]> {
  for (const [namespace, names] of map) {
    for (const [name, value] of names) {
      yield [namespace, name, value];
    }
  }
}
