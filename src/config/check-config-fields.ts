import { describePath, describeValue } from '../describe-value.ts';
import { isMapping, type Mapping } from '../mapping.ts';
import type { Path } from '../phases/1-read/document.ts';
import type { Report } from '../phases/2-validate/report.ts';
import { suggestClosest } from '../suggest-closest.ts';
import type { ConfigFields, ValueField, ValueType } from './config-field.ts';
import { kubeProxyFields } from './kube-proxy-fields.ts';
import { parseDuration } from './parse-duration.ts';

/** Checks every field of a KubeProxyConfiguration: that it exists, has its type, and is not set in vain. */
export function checkConfigFields(config: Mapping, report: Report): void {
  checkLevel(config, kubeProxyFields, [], report);
}

function checkLevel(values: Mapping, fields: ConfigFields, path: Path, report: Report): void {
  for (const [key, value] of Object.entries(values)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const place = [...path, key];
    if (!field) {
      report('unknown-config-field', place, describeUnknown(key, fields, path));
    } else if ('type' in field) {
      checkValue(value, field, place, report);
    } else if (isMapping(value)) {
      checkLevel(value, field.fields, place, report);
    } else if (value !== null) {
      report('invalid-config', place, `${describePath(place)} is ${describeValue(value)}; a mapping is expected`);
    }
  }
}

/** A field that does exist, on another level, is the likelier meaning than one that is spelled nearly so. */
function describeUnknown(key: string, fields: ConfigFields, path: Path): string {
  const elsewhere = Object.entries(kubeProxyFields).find(
    ([, field]) => 'fields' in field && Object.hasOwn(field.fields, key),
  );
  const onTop = path.length > 0 && Object.hasOwn(kubeProxyFields, key) ? key : undefined;
  const nested = elsewhere && `${elsewhere[0]}.${key}`;
  const meant = onTop ?? suggestNested(key) ?? nested ?? suggestClosest(key, Object.keys(fields));
  const suggestion = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `there is no field ${describePath([...path, key])}${suggestion}`;
}

/** Both iptables and nftables have it; only one of them matters here. */
function suggestNested(key: string): string | undefined {
  return key === 'masqueradeAll' || key === 'masqueradeBit' ? `nftables.${key}` : undefined;
}

function checkValue(value: unknown, field: ValueField, path: Path, report: Report): void {
  const found = `${describePath(path)} is ${describeValue(value)}`;
  if (value === null) {
    return;
  }
  if (!hasType(value, field.type)) {
    report('invalid-config', path, `${found}; ${expectations[field.type]} is expected`);
  } else if (field.quiet && field.quiet !== 'any' && !isQuiet(value, field.quiet)) {
    const instead = suggestNested(String(path.at(-1)));
    const advice = instead === undefined ? '' : `; ${instead} has`;
    report('config-without-effect', path, `${found}, which has no effect here${advice}`);
  }
}

const expectations: Readonly<Record<ValueType, string>> = {
  text: 'a text',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  duration: 'a duration such as 30s',
  'duration or nanoseconds': 'a duration such as 30s',
  quantity: 'a quantity such as 64Ki',
  texts: 'a list of texts',
  list: 'a list',
  'feature gates': 'a mapping of names to true or false',
};

function hasType(value: unknown, type: ValueType): boolean {
  switch (type) {
    case 'text':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== undefined;
    case 'duration or nanoseconds':
      return Number.isInteger(value) || hasType(value, 'duration');
    case 'quantity':
      return typeof value === 'number' || (typeof value === 'string' && /^[0-9.]+([A-Za-z]{1,2})?$/.test(value));
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'list':
      return Array.isArray(value);
    case 'feature gates':
      return isMapping(value) && Object.values(value).every((gate) => typeof gate === 'boolean');
  }
}

function isQuiet(value: unknown, quiet: readonly (string | number | boolean)[]): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.keys(value).length === 0;
  }
  const plain = comparable(value);
  return plain === '' || plain === false || quiet.some((allowed) => comparable(allowed) === plain);
}

/** Durations are compared as nanoseconds: 24h0m0s is 24h. */
function comparable(value: unknown): unknown {
  return typeof value === 'string' ? (parseDuration(value) ?? value) : value;
}
