import type { Document } from '../diagnostics/document.ts';
import { escapeControls } from '../lib/text.ts';
import { describeValue, isMapping, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { namespaceOf } from './services.ts';

/**
 * What labels must be like, all of it at once. `absent` accepts objects without the label, as in Kubernetes: `!=` and
 * `notin` match them, too.
 */
export type LabelSelector = readonly LabelRequirement[];

interface LabelRequirement {
  readonly key: string;
  /** Undefined: any value. */
  readonly values: readonly string[] | undefined;
  /** Whether one of the values must be there, or none of them. */
  readonly must: 'match' | 'not-match';
}

/**
 * Reads a selector as `kubectl get -l` takes it: requirements separated by commas, each `key`, `!key`, `key=value`,
 * `key==value`, `key!=value`, `key in (a,b)` or `key notin (a,b)`.
 *
 * @returns what is wrong with it, if something is.
 */
export function parseLabelSelector(text: string): LabelSelector | string {
  // Commas in parentheses separate values.
  const parts = text.split(/,(?![^()]*\))/).map((part) => part.trim());
  const requirements: LabelRequirement[] = [];
  for (const part of parts) {
    const requirement = parseRequirement(part);
    if (typeof requirement === 'string') {
      return requirement;
    }
    requirements.push(requirement);
  }
  return requirements;
}

const forms = 'expected key=value, key!=value, "key in (a,b)", "key notin (a,b)", key or !key, separated by commas';

function parseRequirement(part: string): LabelRequirement | string {
  const [, bang = '', key = '', rest = ''] = /^(!?)\s*([^\s=!<>(),]+)\s*(.*)$/s.exec(part) ?? [];
  const [, equals, value = ''] = /^(==?|!=)\s*([^\s=!<>(),]*)$/.exec(rest) ?? [];
  const [, word, list = ''] = /^(in|notin)\s*\(([^()]*)\)$/.exec(rest) ?? [];
  if (key === '' || (rest !== '' && (bang !== '' || (equals === undefined && word === undefined)))) {
    return `${describeValue(part)} is not a label selector; ${forms}`;
  }
  const values = word === undefined ? [value] : list.split(',').map((one) => one.trim());
  const must = bang !== '' || equals === '!=' || word === 'notin' ? 'not-match' : 'match';
  return keyProblem(key) ?? firstProblem(values) ?? { key, values: rest === '' ? undefined : values, must };
}

/** Names of labels and their values: up to 63 characters, with a letter or digit at both ends. */
const name = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const keyPattern = new RegExp(`^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?${name}$`);
const valuePattern = new RegExp(`^(${name})?$`);
const nameRule = 'up to 63 letters, digits and -_., with a letter or digit at both ends';

function keyProblem(key: string): string | undefined {
  return keyPattern.test(key)
    ? undefined
    : `${describeValue(key)} is not the key of a label: ${nameRule}, after an optional prefix such as example.com/`;
}

function firstProblem(values: readonly string[]): string | undefined {
  const wrong = values.find((value) => !valuePattern.test(value));
  return wrong === undefined ? undefined : `${describeValue(wrong)} is not the value of a label: ${nameRule}`;
}

/** `namespace/name` of all Services with such labels. Nothing is validated; malformed labels count as absent. */
export function selectServices(documents: readonly Document[], selector: LabelSelector): ReadonlySet<string> {
  const services = documents.flatMap(({ value }) => (isMapping(value) && value['kind'] === 'Service' ? [value] : []));
  const metadata = services.map((service) => mappingIn(service, 'metadata'));
  return new Set(metadata.filter((one) => matchesLabels(mappingIn(one, 'labels'), selector)).map(nameOf));
}

/** As notes and rules name it. */
function nameOf(metadata: Mapping): string {
  return escapeControls(`${namespaceOf(metadata)}/${String(metadata['name'])}`);
}

function matchesLabels(labels: Mapping, selector: LabelSelector): boolean {
  return selector.every(({ key, values, must }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    const fits = typeof value === 'string' && (values?.includes(value) ?? true);
    return must === 'match' ? fits : !fits;
  });
}
