import type { CountedElement, CountedMap, KnownNames, TableName } from '../listed-table.ts';
import { packetsOf, readElement } from '../objects/read-element.ts';
import { readDeclaration } from '../objects/read-set.ts';
import { objectsIn, setIn } from './check-nft-objects.ts';

/**
 * One map with its counters in what `nft -j list map FAMILY TABLE MAP` printed; undefined if it is not there. What the compiler
 * never writes into a map is left out.
 *
 * @throws SyntaxError for a text that is not JSON.
 */
export function parseCountedMap(text: string, table: TableName, knownNames: KnownNames): CountedMap | undefined {
  for (const [kind, body] of objectsIn(JSON.parse(text))) {
    const listed = setIn({ [kind]: body }, table);
    if (listed?.name !== undefined) {
      const { name, elem } = listed;
      const { declaration } = readDeclaration({ ...listed, name }, table.family, knownNames);
      const problems = new Map();
      const elements = elem.flatMap((element): CountedElement[] => {
        const known = declaration && readElement(element, declaration, problems);
        return known?.value ? [{ ...known, packets: packetsOf(element) }] : [];
      });
      return { name, hasCounters: declaration?.counter === true, elements };
    }
  }
  return undefined;
}
