import { countOf, escapeControls, escapeHtml, limitList, listSome, listWords } from '../../lib/text.ts';
import { wordsOf } from './causes.ts';
import { probeClients } from './list-probes.ts';
import type {
  Migration,
  MigrationCase,
  MigrationChange,
  MigrationEffect,
  MigrationEnd,
  MigrationNote,
} from './migration.ts';
import type { ProxyFate } from './proxy-fate.ts';

/** How a text is laid out. */
interface MigrationLayout {
  /** How many Services a line names. */
  readonly shownServices: number;
}

/** Headings for effects. */
const effectTitles: Readonly<Record<MigrationEffect, string>> = {
  breaks: 'Connections that work now and will stop working',
  opens: 'Connections that fail now and will work',
  endpoints: 'Connections that will go to other endpoints, or in other shares',
  source: 'Endpoints will see another source address',
  refusal: 'Connections that fail now and will fail in another way',
  affinity: 'Clients will keep their endpoint in another way',
  mark: 'Packets will arrive with another mark',
};

/** What the notes are about, as a heading. */
const notesTitle = 'Also check, because it depends on more than Services';

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
function summarizeMigration({ node, from, to, changes, services, connections }: Migration): string {
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
function nameOfEnd({ proxy, source }: MigrationEnd): string {
  if (source === 'prediction') {
    return proxy ?? 'unknown rules';
  }
  const where = source === 'kernel' ? 'the kernel' : source;
  return proxy === null ? `the rules in ${where}` : `${proxy} in ${where}`;
}

/** A change in one line: what, and how many Services. */
function headlineOfChange({ message, services }: MigrationChange): string {
  return services.length === 0 ? message : `${message}: ${countOf(services.length, 'Service')}`;
}

/** Who notices. */
function clientsOfChange({ clients }: Pick<MigrationChange, 'clients'>): string {
  const isEverybody = everybody.every((kind) => clients.includes(kind));
  return isEverybody ? 'all clients' : listWords(clients.map((kind) => probeClients[kind]));
}

const everybody = ['pods-here', 'pods-elsewhere', 'node', 'external'] as const;

/** Whether some of it may be otherwise. */
function isUncertain({ cases }: MigrationChange): boolean {
  return cases.some(({ before, after }) => before.uncertain || after.uncertain);
}

/** What is said then. */
const uncertainText = 'not certain: it depends on rules that are not understood';

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
    ...(isUncertain(change) ? [`      ${uncertainText}`] : []),
  ];
}

/** A note in one line. */
function headlineOfNote({ message, services }: MigrationNote): string {
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

/** The style of the page, and its SHA-256 in base64, for the Content-Security-Policy. */
interface MigrationStyle {
  readonly style: string;
  readonly styleHash: string;
}

/** Rows of a table: all cases of a large cluster are in the JSON alone. */
const mostRows = 500;

/**
 * A migration as one self-contained HTML file, without scripts. Its Content-Security-Policy (w3.org/TR/CSP3) allows this style
 * and nothing else.
 */
export function writeMigrationPage(migration: Migration, { style, styleHash }: MigrationStyle): string {
  const { node, from, to, changes, notes } = migration;
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`;
  const title = `${nameOfEnd(from)} → ${nameOfEnd(to)}${node === '' ? '' : ` on ${node}`}`;
  const effects = [...new Set(changes.map(({ effect }) => effect))];
  const sections = effects.map((effect) =>
    section(effectTitles[effect], colors[effect], changes.filter((change) => change.effect === effect).map(article)),
  );
  const checks = notes.length > 0 ? [section(notesTitle, 'plain', notes.map(noteArticle))] : [];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p class="muted">${escapeHtml(summarizeMigration(migration))}</p>
${[...sections, ...checks].join('\n')}
</body>
</html>
`;
}

const colors: Readonly<Record<MigrationEffect, string>> = {
  breaks: 'bad',
  opens: 'warn',
  endpoints: 'warn',
  source: 'warn',
  refusal: 'plain',
  affinity: 'plain',
  mark: 'plain',
};

function section(title: string, color: string, articles: readonly string[]): string {
  return `<section class="${color}">\n<h2>${escapeHtml(title)}</h2>\n${articles.join('\n')}\n</section>`;
}

function article(change: MigrationChange): string {
  const { cases, advice } = change;
  const others = cases.length - mostRows;
  return `<article>
<h3>${escapeHtml(headlineOfChange(change))}</h3>
<p class="muted">for ${escapeHtml(clientsOfChange(change))}</p>
${advice === null ? '' : `<p>To keep it: ${escapeHtml(advice)}</p>`}
${isUncertain(change) ? `<p>${uncertainText}</p>` : ''}
<details>
<summary>Where</summary>
<div class="table"><table>
<tr><th>Service</th><th>Frontend</th><th>Clients</th><th>Now</th><th>Then</th></tr>
${cases.slice(0, mostRows).map(row).join('\n')}
</table></div>
${others > 0 ? `<p class="muted">and ${others.toLocaleString('en')} more: -o json has all</p>` : ''}
</details>
</article>`;
}

function row({ service, frontend, clients, before, after }: MigrationCase): string {
  const cells = [
    escapeHtml(service),
    `<code>${escapeHtml(frontend)}</code>`,
    escapeHtml(clientsOfChange({ clients })),
    escapeHtml(describeFate(before)),
    escapeHtml(describeFate(after)),
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/** How many endpoints a cell names. */
const shownEndpoints = 3;

/** A fate with its endpoints: `reaches 2 endpoints: 10.244.1.5:8080, 10.244.1.6:8080, masqueraded`. */
function describeFate(fate: ProxyFate): string {
  const { endpoints } = fate;
  if (endpoints.length === 0) {
    return wordsOf(fate);
  }
  const names = endpoints.map(({ endpoint }) => endpoint);
  const kept = endpoints.every(({ masqueraded }) => masqueraded === false);
  const lost = endpoints.every(({ masqueraded }) => masqueraded === true);
  const source = kept || lost ? `, ${lost ? 'masqueraded' : 'source kept'}` : ', some masqueraded';
  return `${wordsOf(fate)}: ${listSome(limitList(names, shownEndpoints), shownEndpoints + 1)}${source}`;
}

function noteArticle(note: MigrationNote): string {
  const { advice, services } = note;
  return `<article>
<h3>${escapeHtml(headlineOfNote(note))}</h3>
${advice === null ? '' : `<p>${escapeHtml(advice)}</p>`}
<details>
<summary>Services</summary>
<p>${escapeHtml(limitList(services, mostRows).join(', '))}</p>
</details>
</article>`;
}
