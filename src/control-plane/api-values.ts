import { isIP } from 'node:net';
import { describePath, describeValue, entriesIn, type Mapping, mappingIn, type Path } from '../lib/unknown-values.ts';
import { isRefusedForHosts, parseAddress } from '../net/address.ts';
import { nameOfFamily } from '../net/network.ts';
import type { FamilyName } from './complete-service.ts';

/** Receives a place in a manifest and what is wrong there. */
export type Refuse = (path: Path, message: string) => void;

/** The grammar of names in the API (k8s.io/apimachinery/pkg/util/validation), each with what is expected. */
const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const part = '([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]';

/** A kind of name: what it looks like, and in words. */
export interface NameRule {
  readonly isValid: (text: string) => boolean;
  readonly expected: string;
}

/** A DNS label (RFC 1123). */
export const dnsLabel: NameRule = {
  isValid: (text) => text.length <= 63 && new RegExp(`^${label}$`).test(text),
  expected: 'expected 1 to 63 lowercase letters, digits and -',
};
/** A DNS subdomain (RFC 1123). */
export const dnsSubdomain: NameRule = {
  isValid: (text) => text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(text),
  expected: 'expected a DNS name such as db.example.com',
};
/** The key of a label and the like: `app`, `example.com/app`. */
export const qualifiedName: NameRule = {
  isValid: (text) => {
    const [name = '', prefix, ...rest] = text.split('/').reverse();
    return (
      rest.length === 0 && new RegExp(`^${part}$`).test(name) && (prefix === undefined || dnsSubdomain.isValid(prefix))
    );
  },
  expected: 'expected a name such as app or example.com/app',
};
/** The value of a label. */
export const labelValue: NameRule = {
  isValid: (text) => text === '' || new RegExp(`^${part}$`).test(text),
  expected: 'expected at most 63 letters, digits, -, _ and .',
};
/** The name of a port of a container (RFC 6335). */
export const containerPortName: NameRule = {
  isValid: (text) => /^(?=.{1,15}$)(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  expected: 'expected a port number, or a name of at most 15 lowercase letters, digits and single -',
};

/** Reports a text that is not such a name; absent is fine. */
export function checkName(value: unknown, rule: NameRule, path: Path, refuse: Refuse): void {
  if (typeof value === 'string' && !rule.isValid(value)) {
    refuse(path, `${describePath(path)} is ${describeValue(value)}; ${rule.expected}`);
  }
}

/** Reports keys and values of labels, or of a selector, that cannot be such. */
export function checkLabels(parent: Mapping, path: Path, refuse: Refuse): void {
  const field = String(path.at(-1));
  for (const [key, value] of entriesIn(parent, field)) {
    const at = [...path, key];
    if (!qualifiedName.isValid(key)) {
      refuse(at, `${describePath(path)} has the key ${describeValue(key)}; ${qualifiedName.expected}`);
    }
    checkName(value, labelValue, at, refuse);
  }
}

/** Reports a namespace, labels or keys of annotations in the metadata of an object that cannot be such. */
export function checkMetadata(metadata: Mapping, refuse: Refuse): void {
  checkName(metadata['namespace'] || undefined, dnsLabel, ['metadata', 'namespace'], refuse);
  checkLabels(metadata, ['metadata', 'labels'], refuse);
  for (const key of Object.keys(mappingIn(metadata, 'annotations'))) {
    if (!qualifiedName.isValid(key.toLowerCase())) {
      refuse(
        ['metadata', 'annotations', key],
        `metadata.annotations has the key ${describeValue(key)}; ${qualifiedName.expected}`,
      );
    }
  }
}

/**
 * The family of an address as API servers since 1.36 accept it: without leading zeros, and not IPv4 mapped into IPv6.
 * Undefined for anything else.
 */
export function familyOfStrict(text: unknown): FamilyName | undefined {
  const address = typeof text === 'string' && isIP(text) !== 0 ? parseAddress(text) : undefined;
  const isMapped = address?.family === 'ip' && String(text).includes(':');
  return address && !isMapped ? nameOfFamily(address.family) : undefined;
}

/** Reports an address that cannot be that of another host (ValidateNonSpecialIP and ValidateEndpointIP). */
export function checkHost(text: unknown, path: Path, refuse: Refuse): void {
  const address = typeof text === 'string' ? parseAddress(text)?.text : undefined;
  if (address !== undefined && isRefusedForHosts(address)) {
    refuse(
      path,
      `${describePath(path)} is ${describeValue(text)}; expected the address of a host, not one of a special range`,
    );
  }
}
