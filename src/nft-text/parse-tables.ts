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
  let tables: TextTable[] = [];
  for (skipNewlines(tokens); tokens.peek().kind !== 'end'; skipNewlines(tokens)) {
    const token = tokens.take();
    if (isWordOrMark(token, 'table')) {
      tables.push(parseOne(tokens, { tables, isWanted }));
    } else {
      tables = runCommand(token, tables, tokens);
    }
    expectEnd(tokens);
  }
  return tables;
}

function parseOne(
  tokens: TextTokens,
  { tables, isWanted }: { readonly tables: readonly TextTable[]; readonly isWanted: (head: TableHead) => boolean },
): TextTable {
  const place = tokens.peek();
  const head = takeHead(tokens);
  if (tables.some((known) => isSame(known, head))) {
    throw tokens.fail(`table ${describeValue(head.table)} is declared for the second time`, place);
  }
  if (isWanted(head)) {
    return { ...head, objects: parseTable(tokens, head) };
  }
  const open = tokens.take();
  if (!isWordOrMark(open, '{')) {
    throw unexpected(tokens, open, '"{"');
  }
  tokens.skipBlock(open);
  return { ...head, objects: undefined };
}

function takeHead(tokens: TextTokens): TableHead {
  return { family: expectWord(tokens, 'a family such as ip'), table: expectWord(tokens, 'the name of a table') };
}

function isSame(one: TableHead, { family, table }: TableHead): boolean {
  return one.family === family && one.table === table;
}

/** `add table ip svc2nft`, `delete table ip svc2nft`, `flush ruleset`: which tables are left. */
function runCommand(token: Token, tables: TextTable[], tokens: TextTokens): TextTable[] {
  const command = token.kind === 'word' ? token.text : '';
  if (command === 'flush' && accept(tokens, 'ruleset')) {
    return [];
  }
  if (!commands.has(command) || !accept(tokens, 'table')) {
    throw tokens.fail(
      `a table is expected here, as svc2nft compile or nft list ruleset prints it, not ${describeValue(token.text)}`,
      token,
    );
  }
  const head = takeHead(tokens);
  return command === 'add' ? tables : tables.filter((table) => !isSame(table, head));
}

const commands: ReadonlySet<string> = new Set(['add', 'delete', 'destroy']);

function expectEnd(tokens: TextTokens): void {
  const token = tokens.peek();
  if (token.kind !== 'newline' && token.kind !== 'end') {
    throw unexpected(tokens, token, 'the end of the line');
  }
}
