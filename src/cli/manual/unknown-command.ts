import { escapeControls, suggestClosest } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';

/** What other programs call our commands. */
const meanings: Readonly<Record<string, readonly string[]>> = {
  compile: ['build', 'render', 'generate', 'template', 'translate', 'convert'],
  diff: ['plan', 'preview', 'compare', 'changes', 'dry-run'],
  apply: ['install', 'load', 'sync', 'update', 'deploy', 'up', 'restore'],
  explain: ['describe', 'trace', 'why', 'route', 'resolve', 'lookup', 'where'],
  list: ['get', 'ls', 'show', 'services', 'svc', 'frontends', 'endpoints', 'dump'],
  verify: ['check', 'validate', 'lint', 'audit', 'test'],
  graph: ['draw', 'dot', 'svg', 'mermaid', 'picture', 'diagram', 'visualize', 'plot'],
  doctor: ['diagnose', 'status', 'health', 'preflight'],
  clean: ['delete', 'destroy', 'remove', 'rm', 'flush', 'uninstall', 'down', 'reset', 'purge', 'cleanup'],
  completion: ['completions', 'complete'],
  help: ['man', 'usage', 'commands'],
};

/** It deletes, so it is never what a typo may have meant. */
const neverGuessed = 'clean';

/**
 * The message for a word that is not a command, with the command that it probably means: by what other programs call it, or
 * by its spelling.
 *
 * @param names of the commands.
 */
export function describeUnknownCommand(word: string, names: readonly string[]): string {
  return `error: unknown command ${escapeControls(describeValue(word))}${suggestCommand(word, names)}`;
}

function suggestCommand(word: string, names: readonly string[]): string {
  const lower = word.toLowerCase();
  const meant = names.find((name) => meanings[name]?.includes(lower));
  if (meant === neverGuessed) {
    return '; svc2nft clean removes the tables from the kernel';
  }
  const guessed = names.filter((name) => name !== neverGuessed);
  const closest = meant ?? suggestClosest(word, guessed);
  return closest === undefined ? `; the commands are ${names.join(', ')}` : `; did you mean svc2nft ${closest}?`;
}

/** Whether a word can only be meant as a command: it is not the name of a file, and does not look like one. */
export function looksLikeCommand(word: string, exists: (path: string) => boolean): boolean {
  return /^[^-./][^./]*$/.test(word) && !exists(word);
}
