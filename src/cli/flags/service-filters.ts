import type { Command } from 'commander';
import { escapeControls, suggestClosest } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import { checkedList } from './compile-flags.ts';

/** Flags that leave Services out; absent ones were not given. */
export interface ServiceFilters {
  readonly namespace?: readonly string[];
  /** `namespace/name`, or a name alone for that of any namespace. */
  readonly service?: readonly string[];
}

/** Adds the flags of commands that show Services, all of them or some. */
export function addServiceFilters(command: Command): Command {
  return command
    .option('-n, --namespace <name>', 'only Services of this namespace; may be repeated', checkedList(namespaceProblem))
    .option('--service <[namespace/]name>', 'only this Service; may be repeated', checkedList(serviceProblem));
}

/** What is wrong with the name of a namespace, a DNS label (RFC 1123), or undefined. */
function namespaceProblem(text: string): string | undefined {
  return new RegExp(`^${label}$`).test(text) ? undefined : `${describeValue(text)} is no namespace: ${labelRule}`;
}

/** What is wrong with the name of a Service, or undefined. */
function serviceProblem(text: string): string | undefined {
  return new RegExp(`^(${label}/)?${label}$`).test(text)
    ? undefined
    : `${describeValue(text)} is neither NAME nor NAMESPACE/NAME of a Service: ${labelRule}`;
}

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const labelRule = '1 to 63 lower-case letters, digits and -, with a letter or digit first and last';

/** A name that somebody gave and nothing has. */
export interface UnknownName {
  readonly name: string;
  /** The same for people, control characters made visible. */
  readonly text: string;
  /** ` (did you mean shop?)`, or nothing. */
  readonly hint: string;
}

/** The names that are not among those known, each with a suggestion. */
export function unknownNames(names: readonly string[], known: ReadonlySet<string>): UnknownName[] {
  return names
    .filter((name) => !known.has(name))
    .map((name) => {
      const closest = suggestClosest(name, [...known]);
      const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
      return { name, text: escapeControls(describeValue(name)), hint };
    });
}
