import { collectAll } from '../../lib/lists.ts';
import { escapeControls } from '../../lib/text.ts';
import type { Drawing, DrawnArrow, DrawnBox, DrawnNode } from './drawing.ts';

/**
 * A drawing as a Mermaid flowchart (mermaid.js.org/syntax/flowchart.html), which GitHub shows in Markdown after
 * three backticks and `mermaid`.
 */
export function writeMermaid({ title, frontends, servicePorts, refusals, unserved, zones, arrows }: Drawing): string {
  const lines = [
    `%% ${escapeLabel(title)}`,
    'flowchart LR',
    ...frontends.map(writeBox),
    ...servicePorts.map(writeBox),
    ...refusals.map(writeBox),
    ...unserved.map(writeBox),
    ...collectAll(zones, (zone) => [
      `subgraph ${zone.id}[${quote([zone.title])}]`,
      ...collectAll(zone.nodes, writeNode),
      'end',
    ]),
    ...arrows.map(writeArrow),
    ...classes,
    ...collectAll(zones, ({ nodes }) => nodes.flatMap(({ id, isHere }) => (isHere ? `class ${id} nodehere` : []))),
  ];
  return `${lines.join('\n')}\n`;
}

/** Colors that can be read on a light and on a dark page. */
const classes = [
  'classDef port fill:#dbe7ff,stroke:#2457d6,color:#10254f',
  'classDef refusal fill:#ffe0dd,stroke:#c62828,color:#5c1010',
  'classDef unserved fill:#eef0f3,stroke:#5b6672,color:#2b333c,stroke-dasharray:4',
  'classDef here fill:#d9f5e3,stroke:#1b7f45,color:#0c3d21',
  'classDef nodehere stroke:#1b7f45,stroke-width:3px',
];

const classOf: Readonly<Record<DrawnBox['kind'], string>> = {
  frontend: '',
  'service port': ':::port',
  refusal: ':::refusal',
  unserved: ':::unserved',
  'endpoint here': ':::here',
  endpoint: '',
};

function writeNode({ id, title, endpoints }: DrawnNode): string[] {
  return [`subgraph ${id}[${quote([title])}]`, ...endpoints.map(writeBox), 'end'];
}

function writeBox({ id, kind, lines }: DrawnBox): string {
  return `${id}[${quote(lines)}]${classOf[kind]}`;
}

function writeArrow({ from, to, label, dashed }: DrawnArrow): string {
  const arrow = dashed ? '-.->' : '-->';
  return `${from} ${arrow}${label === '' ? '' : `|${quote([label])}|`} ${to}`;
}

/** Within quotes only a quote ends a label, and a backtick after it would begin Markdown; `#` begins a character's code. */
function quote(lines: readonly string[]): string {
  return `"${lines.map(escapeLabel).join('<br/>')}"`;
}

function escapeLabel(text: string): string {
  return escapeControls(text).replace(/[^-A-Za-z0-9 ./:,[\]()·_]/gu, (character) => `#${character.codePointAt(0)};`);
}
