import { escapeControls } from '../escape-controls.ts';
import type { PackedGraph } from './pack-graph.ts';

/** What a page is made of besides the graph. */
export interface PageParts {
  /** A classic script, which finds the graph as JSON in the element `graph`. */
  readonly script: string;
  readonly style: string;
  /** SHA-256 of a text, in base64: for the page's own rule of what may run in it. */
  readonly hashOf: (text: string) => string;
}

/**
 * One HTML file with everything in it. Its Content-Security-Policy (w3.org/TR/CSP3) allows exactly this script and this
 * style, and no request to anywhere.
 */
export function writePage(graph: PackedGraph, { script, style, hashOf }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hashOf(script)}'`,
    `style-src 'sha256-${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const node = graph.node === '' ? 'a node without a name' : graph.node;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Services on ${escapeHtml(node)}</title>
<style>${style}</style>
</head>
<body>
<noscript>This page draws with its own script, which the browser does not run.</noscript>
<script type="application/json" id="graph">${embedJson(graph)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** No text in it can end the element or begin a comment, and none is a line end in older JavaScript. */
function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
