import { invariant } from '../lib/invariant.ts';
import type { Family, Protocol } from '../net/network.ts';
import type {
  Chain,
  Element,
  EndpointList,
  Expression,
  FilledSet,
  Hook,
  KeyType,
  Rule,
  Ruleset,
  Scalar,
  SetDeclaration,
  StatementInNft,
  StatementOf,
} from './ruleset.ts';
import { isOfIptables } from './ruleset-parts.ts';

/** A comment at the top of the file, for its readers. */
export interface Heading {
  /** Lines of plain text, without the `#`. */
  readonly lines: readonly string[];
}

/**
 * The text for `nft -f` that replaces the table of each ruleset as a whole, in one transaction, whatever it held before.
 * Other tables stay as they are. `nft/text` reads it back.
 *
 * @throws Error for a name or text that nft would not read in its place, which is a bug of the caller.
 */
export function printRulesets(rulesets: readonly Ruleset[], heading: Heading): string {
  const top = heading.lines.map((line) => `# ${line}`);
  const tables = rulesets.flatMap((ruleset) => ['', ...printRuleset(ruleset)]);
  return `${[...top, ...tables].join('\n')}\n`;
}

/** nft before 1.0.8 has no `destroy`; a table can be deleted whether it existed or not if it is added first. */
function printRuleset({ family, table, comment, sets, chains }: Ruleset): string[] {
  const name = `table ${family} ${identifier(table)}`;
  const parts = [...sets.map((set) => printSet(set, family)), ...chains.map((chain) => printChain(chain, family))];
  const body = parts.flatMap((part) => ['', ...part]);
  return [`add ${name}`, `delete ${name}`, ...block(0, name, [indent(1, `comment ${quote(comment)};`), ...body])];
}

function printChain({ name, hook, comment, rules }: Chain, family: Family): string[] {
  const lines = [
    ...(hook ? [printHook(hook)] : []),
    ...(comment === undefined ? [] : [`comment ${quote(comment)};`]),
    ...rules.map((rule) => printRule(rule, family)),
  ];
  return block(
    1,
    `chain ${identifier(name)}`,
    lines.map((line) => indent(2, line)),
  );
}

/** The place where the kernel calls a base chain, as nft declares it. */
export function printHook({ type, hook, priority }: Hook): string {
  return `type ${type} hook ${hook} priority ${priority}; policy accept;`;
}

/** A set or map with its elements, one on a line, inside its table. */
function printSet(set: FilledSet, family: Family): string[] {
  const head = `${set.value === undefined ? 'set' : 'map'} ${identifier(set.name)}`;
  const declaration = printDeclaration(set, family).map((line) => indent(2, line));
  const elements = [...set.elements.map(printElement), ...(set.lists ?? []).map(printList)];
  // nft refuses an empty list of elements.
  const filled = elements.length > 0 ? block(2, 'elements =', [elements.join('\n')]) : [];
  return block(1, head, [...declaration, ...filled]);
}

/** The declaration of a set or map, a line for each part: types, flags, limits, counter, comment. */
export function printDeclaration(set: SetDeclaration, family: Family): string[] {
  return [
    `${printTypes(set, family)};`,
    ...(set.flags ? [`flags ${set.flags.join(',')};`] : []),
    ...(set.size === undefined ? [] : [`size ${set.size};`]),
    ...(set.timeoutSeconds === undefined ? [] : [`timeout ${set.timeoutSeconds}s;`]),
    ...(set.counter ? ['counter;'] : []),
    `comment ${quote(set.comment)};`,
  ];
}

/** `type` names types; `typeof` takes them from expressions, which is the only way to have a random index in a key. */
function printTypes({ key, value, protocol }: SetDeclaration, family: Family): string {
  const [keyword, typeName] = key.includes('index')
    ? (['typeof', (type: KeyType): string => exampleOf(type, family, protocol)] as const)
    : (['type', (type: KeyType): string => typeOf(type, family)] as const);
  const data = {
    verdict: ' : verdict',
    endpoint: ` : ${concat([typeName('address'), typeName('port')])}`,
    none: '',
  };
  return `${keyword} ${concat(key.map(typeName))}${data[value ?? 'none']}`;
}

function typeOf(type: KeyType, family: Family): string {
  switch (type) {
    case 'address':
      return family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
    case 'protocol':
      return 'inet_proto';
    case 'port':
      return 'inet_service';
    case 'index':
      return 'integer';
  }
}

/** The modulus only gives the type; rules may use any. */
function exampleOf(type: KeyType, family: Family, protocol: Protocol | undefined): string {
  switch (type) {
    case 'address':
      return `${family} daddr`;
    case 'protocol':
      return 'meta l4proto';
    case 'port':
      return `${protocol ?? 'th'} dport`;
    case 'index':
      return 'numgen random mod 2';
  }
}

/** An element on a line of its own. */
function printElement(element: Element): string {
  return ['\t\t\t', elementText(element), ','].join('');
}

/**
 * An element as nft reads it; its comment stands between key and value. Keys and values consist of canonical addresses and
 * numbers (phase 3), and there are too many of them to check each again. Joining builds one flat string, where a template
 * would leave a tree of pieces to be flattened later.
 */
export function elementText({ key, value, comment }: Element): string {
  const note = comment === undefined ? '' : ` comment ${quote(comment)}`;
  if (value === undefined) {
    return note === '' ? key : [key, note].join('');
  }
  if ('address' in value) {
    return [key, note, ' : ', value.address, ' . ', value.port].join('');
  }
  // The name of a chain is checked where the chain itself is written.
  const verdict = value.kind === 'drop' ? 'drop' : `goto ${value.chain}`;
  return [key, note, ' : ', verdict].join('');
}

/** A line for each endpoint address. Most of the text comes from here, so it is joined only once. */
function printList({ key, endpointAddresses }: EndpointList): string {
  const start = `\t\t\t${key} . `;
  const parts: (string | number)[] = [];
  endpointAddresses.forEach(({ address, port }, index) => {
    parts.push(index === 0 ? '' : '\n', start, index, ' : ', address, ' . ', port, ',');
  });
  return parts.join('');
}

/** A rule on one line. */
export function printRule(rule: Rule, family: Family): string {
  return rule
    .map((statement) => {
      invariant(!isOfIptables(statement), `nft has no ${statement.kind}`);
      return printStatement(statement, family);
    })
    .join(' ');
}

function printStatement(statement: StatementInNft, family: Family): string {
  switch (statement.kind) {
    case 'match':
      return printMatch(statement, family);
    case 'match-set':
      return `${printExpressions(statement.key, family)} ${statement.negated ? '!= ' : ''}@${identifier(statement.set)}`;
    case 'match-list':
      return printListMatch(statement, family);
    case 'match-mark':
      return `meta mark and ${hex(statement.mark)} ${statement.negated ? '==' : '!='} 0`;
    case 'set-mark':
      return `meta mark set meta mark ${statement.operator} ${hex(statement.mark)}`;
    case 'vmap':
      return `${printExpressions(statement.key, family)} vmap @${identifier(statement.map)}`;
    case 'random-goto':
      return printRandomGoto(statement);
    case 'dnat':
      return printDnat(statement, family);
    case 'random-dnat':
      return printRandomDnat(statement, family);
    case 'dnat-map':
      return `dnat ${family} to ${printExpressions(statement.key, family)} map @${identifier(statement.map)}`;
    case 'update':
    case 'delete':
      return printSetChange(statement, family);
    case 'jump':
    case 'goto':
      return `${statement.kind} ${identifier(statement.chain)}`;
    case 'masquerade':
      // Random source ports keep two connections from racing for the same one.
      return 'masquerade fully-random';
    case 'counter':
      return statement.name === undefined ? 'counter' : `counter name ${quote(statement.name)}`;
    case 'comment':
      return `comment ${quote(statement.text)}`;
    case 'tcp-reset':
      // nft lists it without the match, which it adds by itself.
      return 'meta l4proto tcp reject with tcp reset';
    case 'drop':
    case 'reject':
    case 'return':
      return statement.kind;
  }
}

function printMatch({ left, negated, right }: StatementOf<'match'>, family: Family): string {
  // Of a status, `!=` would compare all bits.
  const not = left.kind === 'ct-status' ? '! ' : '!= ';
  return `${printExpression(left, family)} ${negated ? not : ''}${printScalar(right, left)}`;
}

function printListMatch({ left, negated, values }: StatementOf<'match-list'>, family: Family): string {
  return `${printExpression(left, family)} ${negated ? '!= ' : ''}{ ${values.map(word).join(', ')} }`;
}

function printRandomDnat({ protocol, endpointAddresses }: StatementOf<'random-dnat'>, family: Family): string {
  const all = endpointAddresses.map(({ address, port }, index) => `${index} : ${word(address)} . ${port}`);
  const map = `numgen random mod ${all.length} map { ${all.join(', ')} }`;
  return `meta l4proto ${protocol} dnat ${family} to ${map}`;
}

function printRandomGoto({ chains }: StatementOf<'random-goto'>): string {
  const targets = chains.map((chain, index) => `${index} : goto ${identifier(chain)}`);
  return `numgen random mod ${chains.length} vmap { ${targets.join(', ')} }`;
}

/** nft needs to know the protocol of a port. */
function printDnat({ protocol, address, port }: StatementOf<'dnat'>, family: Family): string {
  const target = family === 'ip' ? word(address) : `[${word(address)}]`;
  return `meta l4proto ${protocol} dnat to ${target}:${port}`;
}

function printSetChange(
  { kind, set, key, value, timeoutSeconds }: StatementOf<'update' | 'delete'>,
  family: Family,
): string {
  const timeout = timeoutSeconds === undefined ? '' : ` timeout ${timeoutSeconds}s`;
  const data = value === undefined ? '' : ` : ${concat(value.map((part) => printExpression(part, family)))}`;
  return `${kind} @${identifier(set)} { ${printExpressions(key, family)}${timeout}${data} }`;
}

function hex(mark: number): string {
  return `0x${mark.toString(16).padStart(8, '0')}`;
}

/** An expression as nft text; the family selects `ip` or `ip6`. */
function printExpression(expression: Expression, family: Family): string {
  switch (expression.kind) {
    case 'address':
      return `${family} ${expression.field}`;
    case 'l4proto':
      return 'meta l4proto';
    case 'dport':
      return `${expression.protocol} dport`;
    case 'iifname':
      return 'iifname';
    case 'ct-state':
      return 'ct state';
    case 'ct-status':
      return 'ct status';
    case 'fib-type':
      return `fib ${expression.field} type`;
    case 'ct-original-daddr':
      return `ct original ${family} daddr`;
    case 'ct-original-dport':
      return 'ct original proto-dst';
    case 'numgen':
      return `numgen random mod ${expression.modulus}`;
  }
}

/** Expressions as the key of a lookup. */
function printExpressions(key: readonly Expression[], family: Family): string {
  return concat(key.map((expression) => printExpression(expression, family)));
}

/** The right side of a match: interface names are strings, everything else is a word. */
function printScalar(value: Scalar, comparedWith: Expression): string {
  return comparedWith.kind === 'iifname' ? quote(String(value)) : word(value);
}

const wordPattern = /^[A-Za-z0-9/.:]+$/;
const identifierPattern = /^[A-Za-z][A-Za-z0-9/._-]*$/;
const unquotablePattern = /[^A-Za-z0-9 ,.:;/()*@+_-]/;

/**
 * The name of a table, set or chain as it is.
 *
 * @throws Error for a name that could break out of its place. Names consist of validated parts, so that is a bug.
 */
export function identifier(name: string): string {
  invariant(name.length <= 255 && identifierPattern.test(name), `${JSON.stringify(name)} is not an nft identifier`);
  return name;
}

/** An address, CIDR, protocol or number as nft writes it. */
function word(value: Scalar): string {
  const text = String(value);
  invariant(wordPattern.test(text), `${JSON.stringify(text)} is not an nft word`);
  return text;
}

/**
 * A quoted string.
 *
 * @throws Error for a text with other characters than these: nft has no escapes inside quotes.
 */
export function quote(text: string): string {
  invariant(text !== '' && text.length <= 128 && !unquotablePattern.test(text), 'a text cannot be quoted in nft');
  return `"${text}"`;
}

/** Parts of a concatenation. */
function concat(parts: readonly string[]): string {
  return parts.join(' . ');
}

/** Text at a depth of nesting, one tab for each. */
function indent(depth: number, text: string): string {
  return `${'\t'.repeat(depth)}${text}`;
}

/** `head {`, the body, `}`, at a depth of nesting; the body's lines bring their own indentation. */
function block(depth: number, head: string, body: readonly string[]): string[] {
  return [indent(depth, `${head} {`), ...body, indent(depth, '}')];
}
