import type { Element, SetDeclaration } from '../phases/5-plan/ruleset.ts';
import { protocols } from '../protocols.ts';
import { socketText } from '../socket-text.ts';
import { splitKey } from '../walk/key-text.ts';
import type { Expectations, ExpectedFrontend } from './expectations.ts';
import type { FaultPlace } from './fault-collector.ts';

/** The frontend that an element's key begins with, or undefined where nobody owns it. */
export function ownerOf(
  { key }: Element,
  { key: types, protocol, name }: SetDeclaration,
  { ips, nodePorts }: Expectations,
): ExpectedFrontend | undefined {
  const parts = splitKey(key);
  const partOf = (type: string): string | undefined => parts[types.indexOf(type as (typeof types)[number])];
  const port = partOf('port');
  const address = types[0] === 'address' ? partOf('address') : undefined;
  const known = partOf('protocol') ?? protocol ?? protocols.find((each) => name.startsWith(`${each}-`));
  const candidates: readonly string[] = known === undefined ? protocols : [known];
  for (const each of candidates) {
    const owner = address === undefined ? nodePorts.get(`${each} ${port}`) : ips.get(`${address} ${each} ${port}`);
    if (owner) {
      return owner;
    }
  }
  return undefined;
}

/** A frontend as people write it, with its Service. */
export function placeOf({ address, port, service: { label, protocol } }: ExpectedFrontend): FaultPlace {
  const where = address === undefined ? `node port ${port}` : socketText({ address, port });
  return { service: label, frontend: `${where}/${protocol}` };
}
