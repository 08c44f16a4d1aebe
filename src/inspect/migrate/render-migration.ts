import { countOf, escapeControls, listSome, listWords } from '../../lib/text.ts';
import { probeClients } from './list-probes.ts';
import type { Migration, MigrationChange, MigrationEffect, MigrationEnd, MigrationNote } from './migration.ts';

/** How a text is laid out. */
interface MigrationLayout {
  /** How many Services a line names. */
  readonly shownServices: number;
}

/** Headings for effects. */
export const effectTitles: Readonly<Record<MigrationEffect, string>> = {
  breaks: 'Connections that work now and will stop working',
  opens: 'Connections that fail now and will work',
  endpoints: 'Connections that will go to other endpoints, or in other shares',
  source: 'Endpoints will see another source address',
  refusal: 'Connections that fail now and will fail in another way',
  affinity: 'Clients will keep their endpoint in another way',
  mark: 'Packets will arrive with another mark',
};

/** What the notes are about, as a heading. */
export const notesTitle = 'Also check, because it depends on more than Services';

/** A migration as lines: a heading for each effect, then what changes, for whom, and what to do. */
export function renderMigration(migration: Migration, layout: MigrationLayout): string[] {
  const { changes, notes } = migration;
  const effects = [...new Set(changes.map(({ effect }) => effect))];
  const sections = effects.flatMap((effect) => [
    '',
    effectTitles[effect],
    ...changes.filter((change) => change.effect === effect).flatMap((change) => changeLines(change, layout)),
  ]);
  return [
    summarizeMigration(migration),
    ...sections,
    ...(notes.length > 0
      ? ['', notesTitle, ...notes.flatMap((note) => noteLines(note, migration.services, layout))]
      : []),
  ].map(escapeControls);
}

/** What is compared, and how many Services are hit, in one line. */
export function summarizeMigration({ node, from, to, changes, services, connections }: Migration): string {
  const place = node === '' ? '' : ` on ${node}`;
  const hit = (some: readonly MigrationChange[]): number => new Set(some.flatMap((change) => change.services)).size;
  const broken = hit(changes.filter(({ effect }) => effect === 'breaks'));
  const broke = broken > 0 ? `some stop working for ${countOf(broken, 'Service')}, ` : '';
  const result =
    changes.length === 0 ? 'nobody notices' : `${broke}some change for ${countOf(hit(changes), 'Service')}`;
  const compared = `${countOf(connections, 'connection')} to ${countOf(services, 'Service')}`;
  return `${nameOfEnd(from)} -> ${nameOfEnd(to)}${place}: ${compared} compared: ${result}`;
}

/** `kube-proxy-iptables`, `kube-proxy-nftables in the kernel`. */
export function nameOfEnd({ proxy, source }: MigrationEnd): string {
  if (source === 'prediction') {
    return proxy ?? 'unknown rules';
  }
  const where = source === 'kernel' ? 'the kernel' : source;
  return proxy === null ? `the rules in ${where}` : `${proxy} in ${where}`;
}

/** A change in one line: what, and how many Services. */
export function headlineOfChange({ message, services }: MigrationChange): string {
  return services.length === 0 ? message : `${message}: ${countOf(services.length, 'Service')}`;
}

/** Who notices. */
export function clientsOfChange({ clients }: Pick<MigrationChange, 'clients'>): string {
  const isEverybody = everybody.every((kind) => clients.includes(kind));
  return isEverybody ? 'all clients' : listWords(clients.map((kind) => probeClients[kind]));
}

const everybody = ['pods-here', 'pods-elsewhere', 'node', 'external'] as const;

function changeLines(change: MigrationChange, layout: MigrationLayout): string[] {
  const { services, advice, cases } = change;
  const [example] = cases;
  const frontends = [...new Set(cases.map(({ frontend }) => frontend))];
  return [
    `  ${headlineOfChange(change)}`,
    `      for ${clientsOfChange(change)}`,
    ...(services.length > 0 ? [`      ${listSome(services, layout.shownServices)}`] : []),
    ...(example ? [`      e.g. ${frontends.slice(0, 2).join(', ')}`] : []),
    ...(advice === null ? [] : [`      to keep it: ${advice}`]),
  ];
}

/** A note in one line. */
export function headlineOfNote({ message, services }: MigrationNote): string {
  return `${message}: ${countOf(services.length, 'Service')}`;
}

/** The Services are named where it does not concern all of them. */
function noteLines(note: MigrationNote, all: number, { shownServices }: MigrationLayout): string[] {
  const { advice, services } = note;
  return [
    `  ${headlineOfNote(note)}`,
    ...(services.length < all ? [`      ${listSome(services, shownServices)}`] : []),
    ...(advice === null ? [] : [`      ${advice}`]),
  ];
}
