import { extname } from 'node:path';
import { listWords } from '../describe-value.ts';
import { escapeControls } from '../escape-controls.ts';

/** What a graph can be written as. */
export const graphFormats = ['mermaid', 'dot', 'svg', 'html'] as const;

/** One of these. */
export type GraphFormat = (typeof graphFormats)[number];

/** The format of a graph, and whether it stands within Markdown; or what is wrong with the flags. */
export type ChosenFormat =
  | { readonly format: GraphFormat; readonly isMarkdown: boolean }
  | { readonly problem: string };

/** Endings of file names, and what they say of the content. */
const endings: ReadonlyMap<string, GraphFormat> = new Map([
  ['.mmd', 'mermaid'],
  ['.mermaid', 'mermaid'],
  ['.md', 'mermaid'],
  ['.dot', 'dot'],
  ['.gv', 'dot'],
  ['.svg', 'svg'],
  ['.html', 'html'],
  ['.htm', 'html'],
]);

/** What -o says, or else the ending of the file's name, or else Mermaid. It is a fault where the two differ. */
export function chooseGraphFormat(output: GraphFormat | undefined, file: string | undefined): ChosenFormat {
  const ending = extname(file ?? '').toLowerCase();
  const named = endings.get(ending);
  if (output !== undefined && named !== undefined && output !== named) {
    const fitting = [...endings].flatMap(([other, format]) => (format === output ? other : []));
    const advice = `leave -o out for ${named}, or let the name end in ${listWords(fitting).replace(' and ', ' or ')}`;
    return { problem: `-o ${output} does not fit --file ${escapeControls(file ?? '')}: ${advice}` };
  }
  const format = output ?? named ?? 'mermaid';
  return { format, isMarkdown: ending === '.md' };
}
