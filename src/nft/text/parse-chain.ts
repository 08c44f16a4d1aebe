import { parseStatement } from './parse-statement.ts';
import { accept, expectMark, isWordOrMark, skipNewlines, takeStatement, tokensOf } from './take-tokens.ts';
import type { TextTokens, Token, Tokens } from './tokens.ts';

/** A chain as nft's JSON has it: its own fields, and its rules. */
interface ChainBody {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly rules: readonly RuleBody[];
}

/**
 * Parses the block of a chain.
 *
 * @throws NftTextError
 */
export function parseChain(tokens: TextTokens): ChainBody {
  const fields: Record<string, unknown> = {};
  const rules: RuleBody[] = [];
  expectMark(tokens, '{');
  for (skipNewlines(tokens); !accept(tokens, '}'); skipNewlines(tokens)) {
    const line = takeStatement(tokens);
    const property = propertyOf(line);
    if (property) {
      Object.assign(fields, property);
    } else {
      rules.push(parseRule(line, tokens));
    }
  }
  return { fields, rules };
}

/** What a line says of the chain itself; undefined for a rule. */
function propertyOf(line: readonly Token[]): object | undefined {
  const [first, second] = line;
  switch (first?.kind === 'word' ? first.text : '') {
    case 'type':
      return hookOf(line);
    case 'policy':
    case 'comment':
    case 'flags':
      return { [first?.text ?? '']: second?.text };
    default:
      return undefined;
  }
}

/** `type filter hook prerouting priority dstnat - 10`, before the priority perhaps `device "eth0"`. */
function hookOf(line: readonly Token[]): object {
  const texts = line.map(({ text }) => text);
  const after = (word: string) => {
    const index = texts.indexOf(word);
    return index < 0 ? [] : texts.slice(index + 1);
  };
  const [type] = after('type');
  const [hook] = after('hook');
  const [dev] = after('device');
  const priority = after('priority');
  const prio = priority.length > 0 ? priorityOf(priority) : undefined;
  return { type, hook, prio, ...(dev !== undefined && { dev }) };
}

/** `-100`, `dstnat` or `dstnat + 1` as a number; a text that is none of these as it is. */
function priorityOf(texts: readonly string[]): unknown {
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

/** A rule as nft's JSON has it. */
interface RuleBody {
  /** The statements; none for a rule of which a part is not understood. */
  readonly expr: readonly unknown[];
  readonly comment?: string;
}

/** Parses the tokens of a rule. Nothing is an error in it but the name of a port, which nft can be kept from printing. */
function parseRule(taken: readonly Token[], text: Tokens): RuleBody {
  const [word, comment] = taken.slice(-2);
  return word && isWordOrMark(word, 'comment') && comment?.kind === 'string'
    ? { expr: parseStatements(taken.slice(0, -2), text), comment: comment.text }
    : { expr: parseStatements(taken, text) };
}

function parseStatements(taken: readonly Token[], text: Tokens): unknown[] {
  const tokens = tokensOf(taken, text);
  const statements: unknown[] = [];
  while (tokens.peek().kind !== 'end') {
    const statement = parseStatement(tokens);
    if (statement === undefined) {
      return [];
    }
    statements.push(statement);
  }
  return statements;
}
