import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type PageContent, writePage } from '../../inspect/graph/write-page.ts';
import type { Migration } from '../../inspect/migrate/migration.ts';
import { writeMigrationPage } from '../../inspect/migrate/render-migration.ts';
import { packageFile } from '../context.ts';

/** The modules of the page, in the order in which their constants depend on each other. */
const modules = [
  'make-element.js',
  'unpack-graph.js',
  'explain-command.js',
  'copy-button.js',
  'find-services.js',
  'page-state.js',
  'group-endpoints.js',
  'port-texts.js',
  'sizes.js',
  'stack-ends.js',
  'lay-out-port.js',
  'light-up.js',
  'draw-arrows.js',
  'draw-boxes.js',
  'draw-port.js',
  'draw-service.js',
  'draw-overview.js',
  'make-filters.js',
  'make-list.js',
  'start.js',
];

/** The page for the graphs of some nodes, one HTML file. Its parts are files beside src and dist, which the browser gets as they are. */
export async function writeGraphPage(content: PageContent): Promise<string> {
  const read = (name: string) => readFile(packageFile(`page/${name}`), 'utf8');
  const [style, ...texts] = await Promise.all([read('style.css'), ...modules.map(read)]);
  return writePage(content, { script: joinModules(texts), style, hashOf });
}

/** The page for a migration, which has no script. */
export async function writeMigrationHtml(migration: Migration): Promise<string> {
  const style = await readFile(packageFile('page/migration.css'), 'utf8');
  return writeMigrationPage(migration, { style, styleHash: hashOf(style) });
}

/** Modules as one script, each in a scope of its own that returns its exports. Imports are left out. */
function joinModules(texts: readonly string[]): string {
  const scopes = texts.map((text) => {
    const exported = [...text.matchAll(/^export (?:function|const) (\w+)/gm)].map(([, name]) => name).join(', ');
    const body = text.replace(/^import [^;]*;\n/gm, '').replace(/^export /gm, '');
    return `const { ${exported} } = (() => {\n${body}\nreturn { ${exported} };\n})();`;
  });
  return `(() => {\n'use strict';\n${scopes.join('\n')}\nstart();\n})();\n`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
