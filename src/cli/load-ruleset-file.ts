import { type Diagnostic, diagnosticInFile } from '../diagnostics.ts';
import { escapeControls } from '../escape-controls.ts';
import { excerpt, formatDiagnostic } from '../format-diagnostic.ts';
import type { TableName } from '../listing/collect-objects.ts';
import type { Listing } from '../listing/listing.ts';
import type { RulesetTables } from '../listing/ruleset-tables.ts';
import { NftTextError } from '../nft-text/nft-text-error.ts';
import { decodeText } from '../phases/1-read/decode-text.ts';
import { suggestClosest } from '../suggest-closest.ts';
import { loadFile, loadInput } from './load-input.ts';
import { nameTables } from './name-tables.ts';
import { readRulesetText } from './read-ruleset-text.ts';
import { type Streams, wantsColour } from './streams.ts';

const whatIsExpected = 'what svc2nft compile, nft list ruleset or nft -j list ruleset prints is expected';

/**
 * Reads those of the named tables that a file (`-` is stdin) has: nft text or nft's JSON, by its first character.
 *
 * @returns at least one listing, or undefined after a message on stderr.
 */
export async function loadRulesetFile(
  path: string,
  names: readonly TableName[],
  streams: Streams,
): Promise<readonly Listing[] | undefined> {
  const fail = (problem: Diagnostic | string): undefined => {
    const text = typeof problem === 'string' ? problem : formatDiagnostic(problem, { colour: wantsColour(streams) });
    streams.stderr.write(`${text}\n`);
  };
  const input = await loadText(path, streams);
  if ('code' in input) {
    return fail(input);
  }
  const wanted = { file: input.file, names };
  try {
    const tables = readRulesetText(input.text, wanted);
    if ('code' in tables) {
      return fail(tables);
    }
    return tables.listings.length > 0 ? tables.listings : fail(describeLack(tables, wanted));
  } catch (error) {
    if (error instanceof NftTextError) {
      return fail(describeSyntaxError(error, input.file));
    }
    throw error;
  }
}

/** The text of a file, or why there is none. */
async function loadText(path: string, { stdin }: Streams): Promise<{ file: string; text: string } | Diagnostic> {
  const { texts, diagnostics } = path === '-' ? await loadInput(['-'], stdin) : await loadFile(path);
  const [problem] = diagnostics;
  const [input] = texts;
  if (problem || !input) {
    return problem ? withHint(problem, path) : diagnosticInFile('file-unreadable', 'it cannot be read', path);
  }
  const { file } = input;
  const text = decodeText(input);
  if (typeof text !== 'string') {
    return diagnosticInFile('not-text', `the file is no text; ${whatIsExpected}`, file);
  }
  return text.trim() === ''
    ? diagnosticInFile('empty-input', `the file is empty; ${whatIsExpected}`, file)
    : { file, text };
}

/** Who means the kernel and mistypes it names a file that is not there. */
function withHint(problem: Diagnostic, path: string): Diagnostic {
  const meant = problem.code === 'file-not-found' ? suggestClosest(path, ['kernel']) : undefined;
  return meant === undefined ? problem : { ...problem, message: `${problem.message} (did you mean ${meant}?)` };
}

function describeSyntaxError({ line, column, lineText, message }: NftTextError, file: string): string {
  const head = `${escapeControls(file)}:${line}:${column}: error: ${escapeControls(message)}`;
  if (lineText.trim() === '') {
    return head;
  }
  // nft indents with tabs, which an excerpt would show as escapes.
  const indentation = /^[ \t]*/.exec(lineText)?.[0].length ?? 0;
  const shownLine = excerpt({ line, column: column - indentation, lineText: lineText.slice(indentation) });
  return `${head}\n  ${shownLine.line}\n  ${shownLine.caret}`;
}

/** How many of the tables of a file are named. */
const shown = 8;

function describeLack(
  { found }: RulesetTables,
  { file, names }: { readonly file: string; readonly names: readonly TableName[] },
): string {
  const more = found.length > shown ? [`${found.length - shown} more`] : [];
  const has = found.length === 0 ? 'no tables' : [...found.slice(0, shown).map(cut), ...more].join(', ');
  return `error: ${escapeControls(file)} has no ${nameTables(names)} (it has ${escapeControls(has)})`;
}

/** nft itself allows names of 255 characters. */
function cut(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}...` : name;
}
