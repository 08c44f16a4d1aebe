import { describeValue } from '../../lib/unknown-values.ts';
import { type RulesetTables, readNftJson } from '../json/read-nft-json.ts';
import type { TableName } from '../listed-table.ts';
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
 * Reads some tables from nft text: from what `svc2nft compile` prints, or what `nft list ruleset` and `nft list table` do,
 * with or without -n. The text becomes what `nft -j` would have printed, so that {@link readNftJson} tells the rest: what
 * no compiler makes is a deviation.
 *
 * @throws NftTextError for a text that is none of nft's, or that lacks an end.
 */
export function parseNftText(text: string, names: readonly TableName[]): RulesetTables {
  const tables = parseTables(text, ({ family, table }) =>
    names.some((name) => name.family === family && name.table === table),
  );
  return {
    listings: names.flatMap((name) => {
      const found = tables.find(({ family, table }) => family === name.family && table === name.table);
      return found ? [readNftJson({ nftables: found.objects }, name)] : [];
    }),
    found: tables.map(({ family, table }) => `${family} ${table}`),
  };
}

/** A table that a text leaves behind. */
interface TextTable extends TableHead {
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
function parseTables(text: string, isWanted: (head: TableHead) => boolean): TextTable[] {
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

/** What a table is called, as the text has it. */
interface TableHead {
  /** `ip`, `inet`, or any other word that stands there. */
  readonly family: string;
  readonly table: string;
}

/**
 * Parses the block of a table into the objects of nft's JSON, `{"set": {...}}`, `{"chain": {...}}`, `{"rule": {...}}`.
 *
 * @throws NftTextError
 */
function parseTable(tokens: TextTokens, head: TableHead): unknown[] {
  const fields: Record<string, unknown> = { family: head.family, name: head.table };
  const context = { tokens, head, objects: [{ table: fields }], names: new Set<string>() };
  const open = expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    if (tokens.peek().kind === 'end') {
      throw tokens.fail('this brace is never closed', open);
    }
    const token = tokens.take();
    if (token.kind === 'word' && (token.text === 'comment' || token.text === 'flags')) {
      const words = takeStatement(tokens).filter(({ kind }) => kind !== 'mark');
      fields[token.text] = token.text === 'comment' ? words[0]?.text : words.map(({ text }) => text);
    } else {
      parseObject(token, context);
    }
  }
  return context.objects;
}

interface Context {
  readonly tokens: TextTokens;
  readonly head: TableHead;
  readonly objects: unknown[];
  /** Of objects so far, with their kind. */
  readonly names: Set<string>;
}

/** Any object with a block; of those that we do not make, only kind and name are looked at. */
function parseObject(first: Token, { tokens, head, objects, names }: Context): void {
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
  if (names.has(place)) {
    throw tokens.fail(`${describeValue(name)} is declared for the second time`, first);
  }
  names.add(place);
  const body = { ...head, name };
  switch (kind) {
    case 'set':
    case 'map':
      objects.push({ [kind]: { ...body, ...parseSet(tokens) } });
      break;
    case 'chain':
      parseChainObjects(body, { tokens, objects });
      break;
    default:
      objects.push({ [kind]: body });
      tokens.skipBlock(tokens.take());
  }
}

function parseChainObjects(
  body: TableHead & { readonly name: string },
  { tokens, objects }: Pick<Context, 'tokens' | 'objects'>,
): void {
  const { fields, rules } = parseChain(tokens);
  const { name, ...head } = body;
  objects.push({ chain: { ...body, ...fields } });
  for (const rule of rules) {
    objects.push({ rule: { ...head, chain: name, ...rule } });
  }
}
