/** The small pieces that nft text is put together from. */
import { invariant } from '../../invariant.ts';
import type { Scalar } from '../5-plan/ruleset.ts';

const wordPattern = /^[A-Za-z0-9/.:]+$/;
const identifierPattern = /^[A-Za-z][A-Za-z0-9/._-]*$/;
const unquotablePattern = /[^A-Za-z0-9 ,.:;/()*@+_-]/;

/** A name of a table, set or chain. Names are made of validated parts; one that could break out of its place is a bug. */
export function identifier(name: string): string {
  invariant(name.length <= 255 && identifierPattern.test(name), `${JSON.stringify(name)} is no nft identifier`);
  return name;
}

/** An address, CIDR, protocol or number as nft writes it. */
export function word(value: Scalar): string {
  const text = String(value);
  invariant(wordPattern.test(text), `${JSON.stringify(text)} is no nft word`);
  return text;
}

/** A quoted string; nft has no escapes inside quotes. */
export function quote(text: string): string {
  invariant(text !== '' && text.length <= 128 && !unquotablePattern.test(text), 'a text cannot be quoted in nft');
  return `"${text}"`;
}

/** Parts of a concatenation. */
export function concat(parts: readonly string[]): string {
  return parts.join(' . ');
}

/** Text at a depth of nesting, one tab for each. */
export function indent(depth: number, text: string): string {
  return `${'\t'.repeat(depth)}${text}`;
}

/** `head {`, the body, `}`, at a depth of nesting; the body's lines bring their own indentation. */
export function block(depth: number, head: string, body: readonly string[]): string[] {
  return [indent(depth, `${head} {`), ...body, indent(depth, '}')];
}
