import { describeValue } from '../describe-value.ts';
import { parseTable, type TableHead } from './parse-table.ts';
import { readTokens } from './read-tokens.ts';
import { accept, expectWord, isWordOrMark, skipNewlines, unexpected } from './take-tokens.ts';
import type { TextTokens, Token } from './token.ts';

/** A table that a text leaves behind. */
export interface TextTable extends TableHead {
  /** In the form of nft's JSON; undefined for a table that was not asked for. */
  readonly objects: readonly unknown[] | undefined;
}

/**
 * The tables that a text declares: what `svc2nft compile` or `nft list ruleset` printed. Of tables that are not wanted
 * only the braces and strings are looked at. Commands that compile prints before a table, and others on whole tables, do
 * what they do in nft; no others are read.
 *
 * @throws NftTextError
 */
export function parseTables(text: string, isWanted: (head: TableHead) => boolean): TextTable[] {
  const tokens = readTokens(text);
  const tables: Tables = new Map();
  for (skipNewlines(tokens); tokens.peek().kind !== 'end'; skipNewlines(tokens)) {
    const token = tokens.take();
    if (isWordOrMark(token, 'table')) {
      parseOne(tokens, { tables, isWanted });
    } else {
      runCommand(token, tables, tokens);
    }
    expectEnd(tokens);
  }
  return [...tables.values()];
}

/** By family and name. */
type Tables = Map<string, TextTable>;

function parseOne(
  tokens: TextTokens,
  { tables, isWanted }: { readonly tables: Tables; readonly isWanted: (head: TableHead) => boolean },
): void {
  const place = tokens.peek();
  const head = takeHead(tokens);
  if (tables.has(keyOf(head))) {
    throw tokens.fail(`table ${describeValue(head.table)} is declared for the second time`, place);
  }
  if (isWanted(head)) {
    tables.set(keyOf(head), { ...head, objects: parseTable(tokens, head) });
    return;
  }
  const open = tokens.take();
  if (!isWordOrMark(open, '{')) {
    throw unexpected(tokens, open, '"{"');
  }
  tokens.skipBlock(open);
  tables.set(keyOf(head), { ...head, objects: undefined });
}

function takeHead(tokens: TextTokens): TableHead {
  return { family: expectWord(tokens, 'a family such as ip'), table: expectWord(tokens, 'the name of a table') };
}

function keyOf({ family, table }: TableHead): string {
  return `${family} ${table}`;
}

/** `add table ip svc2nft`, `delete table ip svc2nft`, `flush ruleset`: takes away the tables that are gone then. */
function runCommand(token: Token, tables: Tables, tokens: TextTokens): void {
  const command = token.kind === 'word' ? token.text : '';
  if (command === 'flush' && accept(tokens, 'ruleset')) {
    tables.clear();
    return;
  }
  if (!commands.has(command) || !accept(tokens, 'table')) {
    throw tokens.fail(
      `a table is expected here, as svc2nft compile or nft list ruleset prints it, not ${describeValue(token.text)}`,
      token,
    );
  }
  const head = takeHead(tokens);
  if (command !== 'add') {
    tables.delete(keyOf(head));
  }
}

const commands: ReadonlySet<string> = new Set(['add', 'delete', 'destroy']);

function expectEnd(tokens: TextTokens): void {
  const token = tokens.peek();
  if (token.kind !== 'newline' && token.kind !== 'end') {
    throw unexpected(tokens, token, 'the end of the line');
  }
}
