import { describeValue } from '../describe-value.ts';
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
import type { TextTokens, Token } from './token.ts';

/** What a table is called, as the text has it. */
export interface TableHead {
  /** `ip`, `inet`, or any other word that stands there. */
  readonly family: string;
  readonly table: string;
}

/**
 * Parses the block of a table into the objects of nft's JSON, `{"set": {...}}`, `{"chain": {...}}`, `{"rule": {...}}`.
 *
 * @throws NftTextError
 */
export function parseTable(tokens: TextTokens, head: TableHead): unknown[] {
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
