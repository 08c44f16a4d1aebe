import { appendAll } from '../../lib/lists.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { KnownNames, ListedTables, TableName } from '../listed-table.ts';
import type { NftChain, NftJson, NftOther, NftRule, NftSet, NftTable } from '../objects/nft-json.ts';
import { readListedTable } from '../objects/read-listed-table.ts';
import { parseChain } from './parse-chain.ts';
import { parseSet } from './parse-set.ts';
import {
  accept,
  expectMark,
  expectWord,
  isWordOrMark,
  skipNewlines,
  takeStatement,
  unexpected,
} from './take-tokens.ts';
import { readTokens, type TextTokens, type Token } from './tokens.ts';

/**
 * Reads some tables from nft text: what `svc2nft compile`, `nft list ruleset` or `nft list table` prints, with or without
 * -n. The text is parsed into the form of nft's JSON, so that both are read alike and what svc2nft never writes is a
 * deviation.
 *
 * @throws TextError for a text that nft does not print, or that is cut off.
 */
export function parseNftText(text: string, names: readonly TableName[], knownNames: KnownNames): ListedTables {
  const tables = parseTables(text, ({ family, table }) =>
    names.some((name) => name.family === family && name.table === table),
  );
  return {
    tables: names.flatMap((name) => {
      const found = tables.find(({ family, table }) => family === name.family && table === name.table);
      return found?.json ? [readListedTable(found.json, name, knownNames)] : [];
    }),
    found: tables.map(({ family, table }) => `${family} ${table}`),
  };
}

/** A table that exists after the commands of a text. */
interface TextTable extends TableHead {
  /** Undefined for a table that was not asked for. */
  readonly json: NftJson | undefined;
}

/**
 * The tables that a text declares. Tables that are not wanted are skipped by their braces and strings. Commands on whole
 * tables, such as those that compile prints before a table, have the effect that they have in nft; any other is an error.
 *
 * @throws TextError
 */
function parseTables(text: string, isSelected: (head: TableHead) => boolean): TextTable[] {
  const tokens = readTokens(text);
  const tables: Tables = new Map();
  for (skipNewlines(tokens); tokens.peek().kind !== 'end'; skipNewlines(tokens)) {
    const token = tokens.take();
    if (isWordOrMark(token, 'table')) {
      parseOne(tokens, { tables, isSelected });
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
  { tables, isSelected }: { readonly tables: Tables; readonly isSelected: (head: TableHead) => boolean },
): void {
  const place = tokens.peek();
  const head = takeHead(tokens);
  if (tables.has(keyOf(head))) {
    throw tokens.fail(`table ${describeValue(head.table)} is declared twice`, place);
  }
  if (isSelected(head)) {
    tables.set(keyOf(head), { ...head, json: parseTable(tokens) });
    return;
  }
  const open = tokens.take();
  if (!isWordOrMark(open, '{')) {
    throw unexpected(tokens, open, '"{"');
  }
  tokens.skipBlock(open);
  tables.set(keyOf(head), { ...head, json: undefined });
}

function takeHead(tokens: TextTokens): TableHead {
  return { family: expectWord(tokens, 'a family such as ip'), table: expectWord(tokens, 'the name of a table') };
}

function keyOf({ family, table }: TableHead): string {
  return `${family} ${table}`;
}

/** `add table ip svc2nft`, `delete table ip svc2nft`, `flush ruleset`: removes the tables that no longer exist after it. */
function runCommand(token: Token, tables: Tables, tokens: TextTokens): void {
  const command = token.kind === 'word' ? token.text : '';
  if (command === 'flush' && accept(tokens, 'ruleset')) {
    tables.clear();
    return;
  }
  if (!commands.has(command) || !accept(tokens, 'table')) {
    throw tokens.fail(
      `expected a table, as svc2nft compile or nft list ruleset prints it, found ${describeValue(token.text)}`,
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

/** How a text names a table. */
interface TableHead {
  /** `ip`, `inet` or any other word. */
  readonly family: string;
  readonly table: string;
}

/**
 * Parses the block of a table.
 *
 * @throws TextError
 */
function parseTable(tokens: TextTokens): NftJson {
  let table: NftTable = { flags: [] };
  const draft: Draft = { sets: [], chains: [], rules: [], others: [], places: new Set() };
  const open = expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    if (tokens.peek().kind === 'end') {
      throw tokens.fail('this brace is never closed', open);
    }
    const token = tokens.take();
    if (isWordOrMark(token, 'comment')) {
      const [comment = ''] = takeTexts(tokens);
      table = { ...table, comment };
    } else if (isWordOrMark(token, 'flags')) {
      table = { ...table, flags: takeTexts(tokens) };
    } else {
      parseObject(token, tokens, draft);
    }
  }
  const { sets, chains, rules, others } = draft;
  return { table, sets, chains, rules, others };
}

function takeTexts(tokens: TextTokens): string[] {
  return takeStatement(tokens).flatMap(({ kind, text }) => (kind === 'mark' ? [] : [text]));
}

/** A table that is being read. */
interface Draft {
  readonly sets: NftSet[];
  readonly chains: NftChain[];
  readonly rules: NftRule[];
  readonly others: NftOther[];
  /** Kinds and names of its objects so far. */
  readonly places: Set<string>;
}

/** Any object with a block; of a kind that svc2nft does not use, only kind and name are read. */
function parseObject(first: Token, tokens: TextTokens, draft: Draft): void {
  if (first.kind !== 'word') {
    throw unexpected(tokens, first, 'a set, map or chain');
  }
  const words = [first.text, expectWord(tokens, 'a name')];
  while (!isWordOrMark(tokens.peek(), '{')) {
    words.push(expectWord(tokens, '"{"'));
  }
  const name = words.at(-1) ?? '';
  const kind = words.slice(0, -1).join(' ');
  // Sets and maps share their names.
  const place = `${kind === 'map' ? 'set' : kind} ${name}`;
  if (draft.places.has(place)) {
    throw tokens.fail(`${describeValue(name)} is declared twice`, first);
  }
  draft.places.add(place);
  switch (kind) {
    case 'set':
    case 'map':
      draft.sets.push(parseSet({ kind, name }, tokens));
      break;
    case 'chain': {
      const { chain, rules } = parseChain(name, tokens);
      draft.chains.push(chain);
      appendAll(draft.rules, rules);
      break;
    }
    default:
      draft.others.push({ kind, name });
      tokens.skipBlock(tokens.take());
  }
}
