import { escapeHtml, limitList, listSome } from '../../lib/text.ts';
import { wordsOf } from './causes.ts';
import type { Migration, MigrationCase, MigrationChange, MigrationEffect, MigrationNote } from './migration.ts';
import type { ProxyFate } from './proxy-fate.ts';
import {
  clientsOfChange,
  effectTitles,
  headlineOfChange,
  headlineOfNote,
  nameOfEnd,
  notesTitle,
  summarizeMigration,
} from './render-migration.ts';

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
