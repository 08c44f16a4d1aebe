import type { NftChain, NftRule, NftStatement } from '../objects/nft-json.ts';
import { parseStatement } from './parse-statement.ts';
import { accept, expectMark, isWordOrMark, skipNewlines, takeStatement, tokensOf } from './take-tokens.ts';
import type { TextTokens, Token, Tokens } from './tokens.ts';

/** A chain and its rules. */
interface ParsedChain {
  readonly chain: NftChain;
  readonly rules: readonly NftRule[];
}

/**
 * Parses the block of a chain.
 *
 * @throws TextError
 */
export function parseChain(name: string, tokens: TextTokens): ParsedChain {
  let chain: NftChain = { name };
  const rules: NftRule[] = [];
  expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    const line = takeStatement(tokens);
    const property = propertyOf(line);
    if (property) {
      chain = { ...chain, ...property };
    } else {
      rules.push(parseRule(name, line, tokens));
    }
  }
  return { chain, rules };
}

/** What a line says of the chain itself; undefined for a rule. */
function propertyOf(line: readonly Token[]): Partial<NftChain> | undefined {
  const [first, second] = line;
  switch (first?.kind === 'word' ? first.text : '') {
    case 'type':
      return hookOf(line);
    case 'policy':
      return second ? { policy: second.text } : {};
    case 'comment':
      return { comment: second?.text ?? '' };
    case 'flags':
      return { flags: second?.text ?? '' };
    default:
      return undefined;
  }
}

/** `type filter hook prerouting priority dstnat - 10`, before the priority perhaps `device "eth0"`. */
function hookOf(line: readonly Token[]): Partial<NftChain> {
  const texts = line.map(({ text }) => text);
  const after = (word: string) => {
    const index = texts.indexOf(word);
    return index < 0 ? [] : texts.slice(index + 1);
  };
  const [type = ''] = after('type');
  const [hook] = after('hook');
  const [dev] = after('device');
  const priority = after('priority');
  return {
    type,
    ...(hook !== undefined && { hook }),
    ...(priority.length > 0 && { prio: priorityOf(priority) }),
    ...(dev !== undefined && { dev }),
  };
}

/** `-100`, `dstnat` or `dstnat + 1` as a number; any other text as it is. */
function priorityOf(texts: readonly string[]): number | string {
  const text = texts.join(' ');
  const [, name = '', sign = '+', distance = '0'] = /^([a-z]*) ?([+-]?) ?([0-9]*)$/.exec(text) ?? [];
  const base = name === '' ? 0 : priorities.get(name);
  return base === undefined ? text : base + Number(`${sign}${distance || '0'}`);
}

/** Of the families ip and ip6 (nft(8), "Standard priority names"). */
const priorities: ReadonlyMap<string, number> = new Map([
  ['raw', -300],
  ['mangle', -150],
  ['dstnat', -100],
  ['filter', 0],
  ['security', 50],
  ['srcnat', 100],
]);

/** A rule; only a port that is given by name is an error in it. */
function parseRule(chain: string, taken: readonly Token[], text: Tokens): NftRule {
  const [word, comment] = taken.slice(-2);
  return word && isWordOrMark(word, 'comment') && comment?.kind === 'string'
    ? { chain, expr: parseStatements(taken.slice(0, -2), text), comment: comment.text }
    : { chain, expr: parseStatements(taken, text) };
}

/** Where a statement ends is not known of an unknown one, so it stands for the rest of the rule. */
function parseStatements(taken: readonly Token[], text: Tokens): NftStatement[] {
  const tokens = tokensOf(taken, text);
  const statements: NftStatement[] = [];
  while (tokens.peek().kind !== 'end') {
    const first = tokens.peek();
    const statement = parseStatement(tokens);
    if (statement === undefined) {
      return [...statements, { unknown: first.text }];
    }
    statements.push(statement);
  }
  return statements;
}
