import { readFileSync } from 'node:fs';
import { type Answer, answering, listTable } from '../support/fake-nft.ts';

/** Something in a listing of nft: what it is, and its properties. */
export interface ListedObject {
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * An nft that holds the shop (shop.ts, with --cluster-cidr 10.244.0.0/16) in table ip svc2nft.
 *
 * This is what nft 1.0.6 printed after it had loaded the ruleset. After a change of rulesets, record it again in
 * a network namespace: `nft -nj list table ip svc2nft`.
 *
 * @param tamper what another program did to it meanwhile.
 */
export function listedShop(
  tamper: (objects: readonly ListedObject[]) => readonly ListedObject[] = (objects) => objects,
): Answer {
  const text = readFileSync(new URL('shop.ip.json', import.meta.url), 'utf8');
  const listed = (JSON.parse(text) as { nftables: readonly Readonly<Record<string, ListedObject['body']>>[] }).nftables;
  const objects = listed.flatMap((object) => Object.entries(object).map(([kind, body]) => ({ kind, body })));
  const stdout = JSON.stringify({ nftables: tamper(objects).map(({ kind, body }) => ({ [kind]: body })) });
  return answering(listTable.ip, { stdout });
}

/** Removes all rules of a chain. */
export function flushChain(chain: string): (objects: readonly ListedObject[]) => ListedObject[] {
  return (objects) => objects.filter(({ kind, body }) => kind !== 'rule' || body['chain'] !== chain);
}

/** Removes something with a name, and its rules. */
export function remove(name: string): (objects: readonly ListedObject[]) => ListedObject[] {
  return (objects) => flushChain(name)(objects).filter(({ body }) => body['name'] !== name);
}

/** Adds objects to the table. */
export function add(
  ...added: readonly Readonly<Record<string, object>>[]
): (objects: readonly ListedObject[]) => ListedObject[] {
  const fresh = added.flatMap((object) =>
    Object.entries(object).map(([kind, body]) => ({ kind, body: { family: 'ip', table: 'svc2nft', ...body } })),
  );
  return (objects) => [...objects, ...fresh];
}

/** Adds elements, in the form of the listing, to a set or map. */
export function addElements(
  name: string,
  ...elements: readonly unknown[]
): (objects: readonly ListedObject[]) => ListedObject[] {
  return change(name, ({ elem, ...body }) => ({ ...body, elem: [...(Array.isArray(elem) ? elem : []), ...elements] }));
}

/** Changes what has a name. */
export function change(
  name: string,
  edit: (body: ListedObject['body']) => ListedObject['body'],
): (objects: readonly ListedObject[]) => ListedObject[] {
  return (objects) => objects.map(({ kind, body }) => ({ kind, body: body['name'] === name ? edit(body) : body }));
}
