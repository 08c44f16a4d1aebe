import type { Socket } from '../network.ts';
import type { Memory, MemoryEntry } from '../walk/fate.ts';

/**
 * A memory as it would be had another endpoint been picked: in the values of pins, and at the end of their keys. Undefined
 * where no pin names the endpoint, as where endpoints have sets of their own, which go with them.
 */
export function movePins(memory: Memory, from: Socket, to: Socket): Memory | undefined {
  const end = `${from.address} . ${from.port}`;
  let hasMoved = false;
  const move = (entry: MemoryEntry): MemoryEntry => {
    const { key, value } = entry;
    const isKey = key.endsWith(` . ${end}`);
    const isValue = value && 'address' in value && value.address === from.address && value.port === from.port;
    hasMoved ||= isKey || isValue === true;
    return {
      ...entry,
      key: isKey ? `${key.slice(0, -end.length)}${to.address} . ${to.port}` : key,
      ...(value && { value: isValue ? to : value }),
    };
  };
  const moved = [...memory].map(([name, entries]) => {
    const all = [...entries.values()].map(move);
    return [name, new Map(all.map((entry) => [entry.key, entry]))] as const;
  });
  return hasMoved ? new Map(moved) : undefined;
}
