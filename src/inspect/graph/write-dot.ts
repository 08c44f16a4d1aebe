import { collectAll } from '../../lib/lists.ts';
import { escapeControls } from '../../lib/text.ts';
import type { Drawing, DrawnArrow, DrawnBox, DrawnNode } from './drawing.ts';

/** A drawing as one directed graph in the language of Graphviz (graphviz.org/doc/info/lang.html). */
export function writeDot({ title, frontends, servicePorts, refusals, unserved, zones, arrows }: Drawing): string {
  const lines = [
    'digraph services {',
    `  label=${quote([title])}; labelloc=t; labeljust=l; rankdir=LR; ranksep=1.2; nodesep=0.15; pad=0.3;`,
    `  fontname="${drawnFont}"; fontsize=12;`,
    `  node [shape=box, style="rounded,filled", fillcolor=white, margin="0.16,0.06", fontname="${drawnFont}", fontsize=11];`,
    `  edge [fontname="${drawnFont}", fontsize=10, color="#5b6672", tailport=e, headport=w];`,
    ...[...frontends, ...servicePorts, ...refusals, ...unserved].map((box) => `  ${writeBox(box)}`),
    ...collectAll(zones, (zone) => [
      `  subgraph cluster_${zone.id} {`,
      `    label=${quote([zone.title])}; margin=14; style="rounded,filled"; fillcolor="#f4f6f8"; color="#aeb7c2";`,
      ...collectAll(zone.nodes, writeNode),
      // Clusters within it would inherit attributes that precede them.
      ...(zone.full === '' ? [] : [`    ${tooltip(zone.full)};`]),
      '  }',
    ]),
    ...arrows.map(writeArrow),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * Graphviz has the widths of this font built in, and uses those of Times for lists and unknown fonts. It is the widest of
 * the common sans-serif fonts, so texts in any other one fit their boxes.
 */
export const drawnFont = 'Verdana';

const looks: Readonly<Record<DrawnBox['kind'], string>> = {
  frontend: '',
  'service port': ', fillcolor="#dbe7ff", color="#2457d6"',
  refusal: ', fillcolor="#ffe0dd", color="#c62828"',
  unserved: ', style="rounded,filled,dashed", fillcolor="#eef0f3", color="#5b6672"',
  'endpoint here': ', fillcolor="#d9f5e3", color="#1b7f45"',
  endpoint: '',
};

function writeNode({ id, title, full, isHere, endpoints }: DrawnNode): string[] {
  const look = isHere ? 'color="#1b7f45"; penwidth=2;' : 'color="#aeb7c2"; penwidth=1;';
  return [
    `    subgraph cluster_${id} {`,
    `      label=${quote([title])}; style="rounded,filled"; fillcolor=white; ${look}`,
    ...(full === '' ? [] : [`      ${tooltip(full)};`]),
    ...endpoints.map((box) => `      ${writeBox(box)}`),
    '    }',
  ];
}

function writeBox({ id, kind, lines, full }: DrawnBox): string {
  return `${id} [label=${quote(lines)}${looks[kind]}${full === '' ? '' : `, ${tooltip(full)}`}];`;
}

function writeArrow({ from, to, label, full, dashed }: DrawnArrow): string {
  const attributes = [
    ...(label === '' ? [] : [`label=${quote([label])}`]),
    ...(full === '' ? [] : [`label${tooltip(full)}`]),
    ...(dashed ? ['style=dashed, color="#9aa4b0", fontcolor="#5b6672"'] : []),
  ];
  return `  ${from} -> ${to}${attributes.length === 0 ? '' : ` [${attributes.join(', ')}]`};`;
}

/** What browsers show of a shortened text under the pointer. */
function tooltip(full: string): string {
  return `tooltip=${quote([full])}`;
}

/** Graphviz reads escapes after a backslash and, in every label, entities of HTML. */
function quote(lines: readonly string[]): string {
  return `"${lines.map(escapeLabel).join('\\n')}"`;
}

function escapeLabel(text: string): string {
  return escapeControls(text).replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}
