import type { DiagnosticCode } from '../../diagnostics/diagnostic.ts';

/**
 * The part of JSON Schema in use here, with two words of our own: the diagnostic's `code` when a value has the right
 * type and is still wrong, and what is expected, as a clause: "a port is a number from 1 to 65535".
 */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly nullable?: true;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly (string | null)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly code?: DiagnosticCode;
  readonly expects?: string;
}

/** Any text, and any text or null. */
export const text: Schema = { type: 'string' };
/** Go clients write null for what is not set. */
export const optionalText: Schema = { type: 'string', nullable: true };
/** A list of texts, or null. */
export const optionalTexts: Schema = { type: 'array', nullable: true, items: text };
/** true, false or null. */
export const optionalBoolean: Schema = { type: 'boolean', nullable: true };

/** A mapping with these fields among others, never null. */
export function mapping(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required };
}

/** The same, or null. */
export function optionalMapping(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: 'object', nullable: true, properties, required };
}

/** A list of `items`, or null. */
export function optionalList(items: Schema): Schema {
  return { type: 'array', nullable: true, items };
}

/** One of these words, or null; Go clients write an empty one for what is not set. */
export function optionalWord(...words: readonly string[]): Schema {
  return { type: 'string', nullable: true, enum: [...words, null] };
}

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

/** A DNS label (RFC 1123): names of Services and namespaces. Nothing else reaches the comments of the ruleset. */
const labelName: Schema = {
  type: 'string',
  pattern: `^(?=.{1,63}$)${label}$`,
  code: 'invalid-name',
  expects: 'a name is 1 to 63 lower-case letters, digits and -, with a letter or digit first and last',
};

/** A DNS subdomain (RFC 1123): names of EndpointSlices, Nodes and ServiceCIDRs. */
const subdomainName: Schema = {
  type: 'string',
  pattern: `^(?=.{1,253}$)${label}(\\.${label})*$`,
  code: 'invalid-name',
  expects: 'a name is 1 to 253 lower-case letters, digits, - and ., with a letter or digit around each dot',
};

/** The name of a port: a DNS label, or empty, or null. */
export const optionalPortName: Schema = {
  type: 'string',
  nullable: true,
  pattern: `^((?=.{1,63}$)${label})?$`,
  code: 'invalid-name',
  expects: 'the name of a port is at most 63 lower-case letters, digits and -, with a letter or digit first and last',
};

/** TCP, UDP, SCTP, or nothing. */
export const optionalProtocol: Schema = optionalWord('TCP', 'UDP', 'SCTP', '');

const time: Schema = {
  type: 'string',
  nullable: true,
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$',
  code: 'wrong-type',
  expects: 'a time such as 2026-01-31T12:00:00Z is expected (RFC 3339)',
};

function metadata(name: Schema): Schema {
  return mapping(
    {
      name,
      namespace: { ...labelName, pattern: `^((?=.{1,63}$)${label})?$`, nullable: true },
      labels: { type: 'object', nullable: true, additionalProperties: optionalText },
      creationTimestamp: time,
    },
    ['name'],
  );
}

/** metadata of a Service. */
export const serviceMetadata: Schema = metadata(labelName);
/** metadata of the other kinds. */
export const otherMetadata: Schema = metadata(subdomainName);
