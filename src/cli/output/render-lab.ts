import type { LabDescription } from '../../lab/describe-lab.ts';
import { countOf, escapeControls, joinLines } from '../../lib/text.ts';

/** A lab as tables of text, for a terminal. */
export function renderLab({ nodes, pods, services, loadBalancer }: LabDescription): string {
  const usedNodes = new Map(loadBalancer.map(({ address, nodes: used }) => [address, used]));
  return [
    table(
      ['NODE', 'ZONE', 'ADDRESSES', 'STATE'],
      nodes.map(({ name, zone, addresses, isSchedulable }) => [
        name,
        zone,
        addresses.join(' '),
        isSchedulable ? 'ready' : 'drained',
      ]),
    ),
    table(
      ['POD', 'NODE', 'ADDRESSES', 'STATE'],
      pods.map(({ name, node, addresses, state }) => [name, node, addresses.join(' '), state]),
    ),
    table(
      ['SERVICE', 'TYPE', 'ADDRESSES', 'EXTERNAL', 'PORTS', 'LOAD BALANCER USES'],
      services.map(({ name, type, addresses, external, ports }) => [
        name,
        type,
        addresses.join(' '),
        external.join(' '),
        ports.join(' '),
        [...new Set(external.flatMap((address) => usedNodes.get(address) ?? []))].join(' '),
      ]),
    ),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows.map((row) => row.map((cell) => (cell === '' ? '-' : escapeControls(cell))))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return joinLines(
    lines.map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  );
}

/** What to try first in a lab that is up. */
export function suggestCommands({ pods, services }: LabDescription, nameWords: string): string {
  const own = services.filter(({ name }) => name !== 'kube-system/kube-dns');
  const client = pods.find(({ name, state }) => state === 'ready' && !name.startsWith('kube-system/'))?.name;
  const inside = own.find(({ type, ports }) => type !== 'ExternalName' && ports.some((port) => port.endsWith('/TCP')));
  const outside = own.find(({ external, ports }) => external.length > 0 && ports.some((port) => port.endsWith('/TCP')));
  const portOf = (ports: readonly string[]): string =>
    /^\d+/.exec(ports.find((port) => port.endsWith('/TCP')) ?? '')?.[0] ?? '80';
  const nameOf = (name: string): string => name.split('/').reverse().join('.');
  return joinLines(
    [
      client &&
        inside &&
        `svc2nft lab curl${nameWords} --from pod:${client} http://${nameOf(inside.name)}:${portOf(inside.ports)}`,
      outside &&
        `svc2nft lab curl${nameWords} --from outside http://${bracketed(outside.external[0] ?? '')}:${portOf(outside.ports)}`,
      `svc2nft lab status${nameWords}`,
      `svc2nft lab down${nameWords}`,
    ].flatMap((line) => (line ? [`  ${line}`] : [])),
  );
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** A line for each expectation, and how many are met. */
export function renderJudgments(
  results: readonly { readonly from: string; readonly to: string; readonly isMet: boolean; readonly found: string }[],
): string {
  const met = results.filter(({ isMet }) => isMet).length;
  return joinLines([
    ...results.map(
      ({ from, to, isMet, found }) => `${isMet ? 'ok  ' : 'FAIL'}  ${escapeControls(`${from} -> ${to}: ${found}`)}`,
    ),
    `${met} of ${countOf(results.length, 'expectation')} met`,
  ]);
}
