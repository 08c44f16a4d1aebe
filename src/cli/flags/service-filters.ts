import { type Command, InvalidArgumentError, Option } from 'commander';
import { type LabelSelector, parseLabelSelector } from '../../kubernetes/label-selector.ts';
import { escapeControls, suggestClosest } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import { commaList } from './compile-flags.ts';

/** Flags that select Services; those not given are absent. */
export interface ServiceFilters {
  readonly namespace?: readonly string[];
  readonly allNamespaces?: true;
  readonly selector?: LabelSelector;
  /** `namespace/name`, or a name alone for Services of that name in any namespace. */
  readonly service?: readonly string[];
}

/** Adds the flags that select the Services to show. */
export function addServiceFilters(command: Command): Command {
  return command
    .optionsGroup('Services:')
    .option(
      '-n, --namespace <name>',
      'only Services in this namespace; may be repeated, or several separated by commas',
      commaList((names) => names.map(namespaceProblem).find(Boolean)),
    )
    .addOption(
      new Option(
        '-A, --all-namespaces',
        'Services in all namespaces (the default), listed with their namespace',
      ).conflicts('namespace'),
    )
    .option(
      '-l, --selector <labels>',
      'only Services with these labels: key=value, key!=value, "key in (a,b)", "key notin (a,b)", key, !key, separated by commas',
      parseSelector,
    )
    .option(
      '--service <[namespace/]name>',
      'only this Service, with all its ports, as explain --to names it, also svc/NAME or NAME.NAMESPACE; may be repeated, or several separated by commas',
      (value: string, previous?: readonly string[]) =>
        commaList((names) => names.map(serviceProblem).find(Boolean))(readServiceNames(value), previous),
    );
}

function parseSelector(text: string): LabelSelector {
  const selector = parseLabelSelector(text);
  if (typeof selector === 'string') {
    throw new InvalidArgumentError(selector);
  }
  return selector;
}

/**
 * Names as `NAME` or `NAMESPACE/NAME`: without their kind, and without the port and protocol that `list -o name` prints and
 * `explain --to` takes; a name of DNS, `web.shop` or `web.shop.svc.cluster.local`, is that of a Service in a namespace.
 */
function readServiceNames(names: string): string {
  return names.split(',').map(readServiceName).join(',');
}

/** The name of a Service as `NAME` or `NAMESPACE/NAME`, without all else that a way to write it has. */
export function readServiceName(text: string): string {
  const host = withoutKind(text.trim())
    .replace(/^([^:]+):[-a-z0-9]+(?:\/(?:tcp|udp|sctp))?$/, '$1')
    .replace(/^([^/]+\/[^/]+)\/(?:tcp|udp|sctp)$/, '$1');
  const [, name, namespace] = /^([^./]+)\.([^./]+)(?:\.svc(?:\.[^/]+)?)?\.?$/.exec(host) ?? [];
  return namespace === undefined ? host : `${namespace}/${name}`;
}

/** Names without their kind, which kubectl puts before them: `svc/web`, `service/web`, also `svc/shop/web` and `svc:shop/web`. */
export function withoutKind(names: string): string {
  return names.replace(/(^|,)\s*(?:svc|services?)[/:]/g, '$1');
}

/** What is wrong with the name of a namespace, a DNS label (RFC 1123), or undefined. */
export function namespaceProblem(text: string): string | undefined {
  return new RegExp(`^${label}$`).test(text)
    ? undefined
    : `${describeValue(text)} is not the name of a namespace: ${labelRule}`;
}

/** What is wrong with the name of a Service, or undefined. */
export function serviceProblem(text: string): string | undefined {
  return servicePattern.test(text)
    ? undefined
    : `${describeValue(text)} is neither NAME nor NAMESPACE/NAME of a Service: ${labelRule}`;
}

/** Whether a word may name a Service: NAME or NAMESPACE/NAME, with or without its kind. */
export function isServiceName(word: string): boolean {
  return servicePattern.test(withoutKind(word));
}

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const servicePattern = new RegExp(`^(${label}/)?${label}$`);
const labelRule = '1 to 63 lowercase letters, digits and -, beginning and ending with a letter or digit';

/** A given name that does not exist. */
export interface UnknownName {
  readonly name: string;
  /** The same, quoted, with control characters visible. */
  readonly text: string;
  /** ` (did you mean shop?)`, or empty. */
  readonly hint: string;
}

/** The names that are not known, each with a suggestion. */
export function unknownNames(names: readonly string[], known: ReadonlySet<string>): UnknownName[] {
  return names
    .filter((name) => !known.has(name))
    .map((name) => {
      const closest = suggestClosest(name, [...known]);
      const hint = closest === undefined ? '' : ` (did you mean ${closest}?)`;
      return { name, text: escapeControls(describeValue(name)), hint };
    });
}
