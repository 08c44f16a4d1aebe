import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Graph } from '../graph/graph.ts';
import { packGraph } from '../graph/pack-graph.ts';
import { writePage } from '../graph/write-page.ts';

/** What runs in the page, in the order in which constants need each other. */
const modules = [
  'make-element.js',
  'unpack-graph.js',
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

/** The page for a graph, one HTML file. Its parts are files beside src and dist, which the browser gets as they are. */
export async function makePage(graph: Graph): Promise<string> {
  const read = (name: string) => readFile(new URL(`../../page/${name}`, import.meta.url), 'utf8');
  const [style, ...texts] = await Promise.all([read('style.css'), ...modules.map(read)]);
  return writePage(packGraph(graph), { script: joinModules(texts), style, hashOf });
}

/** Modules as one script, each in a scope of its own that gives what it exports. Imports only name such things. */
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
