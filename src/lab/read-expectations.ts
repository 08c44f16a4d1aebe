import { type Diagnostic, diagnosticInFile, type Report, toDiagnostic } from '../diagnostics/diagnostic.ts';
import type { Document, InputText } from '../diagnostics/document.ts';
import { listWords, suggestClosest } from '../lib/text.ts';
import { describePath, describeValue, isMapping, type Mapping, type Path } from '../lib/unknown-values.ts';
import { isPortNumber } from '../net/network.ts';
import { readDocuments } from '../phases/1-read/read-documents.ts';
import type { ProbeRequest, ProbeResult } from './lab-probe.ts';

/** An entry of a file of expectations. */
export interface Expectation {
  /** From where, as `--from` has it. */
  readonly from: string;
  /** As it was written. */
  readonly to: string;
  readonly request: ProbeRequest;
  /** How often it is tried. */
  readonly times: number;
  readonly result: ExpectedResult;
  /** Pods, workloads, nodes or addresses: every answer comes from one of them. Empty for any. */
  readonly answeredBy: readonly string[];
  /** Whether each Pod of those has to answer at least once. */
  readonly all: boolean;
  /** The address that the one who answers sees; `client` for that of the client itself. */
  readonly seenFrom: string | undefined;
  /** The data of DNS records, sorted. */
  readonly records: readonly string[] | undefined;
}

type ExpectedResult = Exclude<ProbeResult['result'], 'failed'>;

const results: readonly ExpectedResult[] = ['answered', 'refused', 'dropped', 'unknown name'];
const dnsTypes = ['A', 'AAAA', 'CNAME', 'SRV', 'PTR', 'TXT'] as const;
const fields = ['from', 'to', 'type', 'times', 'result', 'answeredBy', 'all', 'seenFrom', 'records'] as const;

/** In milliseconds: what has no answer by then is dropped. */
const longestWait = 3_000;

/** More is a test of something else. */
const mostTimes = 1_000;

/**
 * Reads a file of expectations: a mapping with the list `expect`.
 *
 * @returns them, and what is wrong with the file, with its place.
 */
export function readExpectations(text: InputText): { expectations: Expectation[]; diagnostics: Diagnostic[] } {
  const { documents, diagnostics } = readDocuments([text]);
  const found: Expectation[] = [];
  for (const document of documents) {
    const report = reportTo(diagnostics, document);
    const { value } = document;
    const list = isMapping(value) ? value['expect'] : undefined;
    if (!Array.isArray(list)) {
      report('missing-field', [], 'expect is missing: a list of expectations');
      continue;
    }
    for (const [index, entry] of list.entries()) {
      found.push(...readExpectation(entry, ['expect', index], report));
    }
  }
  if (found.length === 0 && diagnostics.length === 0) {
    diagnostics.push(diagnosticInFile('empty-input', 'the file has no expectations', text.file));
  }
  return { expectations: found, diagnostics };
}

function reportTo(diagnostics: Diagnostic[], document: Document): Report {
  return (code, path, message) => diagnostics.push(toDiagnostic({ code, path, message }, document));
}

function readExpectation(entry: unknown, path: Path, report: Report): Expectation[] {
  if (!isMapping(entry)) {
    report('wrong-type', path, `${describePath(path)} is ${describeValue(entry)}; expected a mapping with from and to`);
    return [];
  }
  let isWrong = false;
  const refuse: Report = (code, place, message) => {
    isWrong = true;
    report(code, place, message);
  };
  refuseUnknown(entry, path, refuse);
  const read = reader(entry, path, refuse);
  const [from, to] = [read.text('from'), read.text('to')];
  const type = read.choice('type', dnsTypes) ?? 'A';
  const request = to === undefined ? undefined : parseTarget(to, type);
  if (to !== undefined && request === undefined) {
    const form = 'expected http://HOST:PORT/PATH, tcp://HOST:PORT, udp://HOST:PORT or dns:NAME';
    refuse('unknown-value', [...path, 'to'], `${describePath([...path, 'to'])} is ${describeValue(to)}; ${form}`);
  }
  const answeredBy = read.texts('answeredBy');
  const result = read.choice('result', results) ?? 'answered';
  if (request) {
    refuseIdle(entry, { request, result }, path, refuse);
  }
  const expectation = {
    ...{ times: read.count('times') ?? 1, result, answeredBy: answeredBy ?? [], all: read.flag('all') },
    seenFrom: read.text('seenFrom', false),
    records: read.texts('records')?.toSorted(),
  };
  return isWrong || from === undefined || to === undefined || request === undefined
    ? []
    : [{ from, to, request, ...expectation }];
}

/** Refuses fields that would be met whatever happens. */
function refuseIdle(
  entry: Mapping,
  { request: { kind }, result }: Pick<Expectation, 'request' | 'result'>,
  path: Path,
  refuse: Report,
): void {
  const ofAnswers = ['answeredBy', 'all', 'seenFrom'];
  const rules: readonly (readonly [boolean, string, readonly string[]])[] = [
    [result !== 'answered', `if the result is ${result}`, [...ofAnswers, 'records']],
    [kind === 'dns', 'on dns:', ofAnswers],
    [kind !== 'dns', `on ${kind}:`, ['type', 'records']],
    [entry['answeredBy'] === undefined, 'without answeredBy', ['all']],
  ];
  for (const field of Object.keys(entry)) {
    const rule = rules.find(([applies, , some]) => applies && some.includes(field));
    if (rule && entry[field] !== false) {
      refuse('unknown-value', [...path, field], `${describePath([...path, field])} has no effect ${rule[1]}`);
    }
  }
}

function refuseUnknown(entry: Mapping, path: Path, refuse: Report): void {
  for (const key of Object.keys(entry)) {
    if (!fields.some((field) => field === key)) {
      const closest = suggestClosest(key, fields);
      const advice = closest === undefined ? `possible fields are ${listWords(fields)}` : `did you mean ${closest}?`;
      refuse('unknown-value', [...path, key], `${describePath([...path, key])} is not a field; ${advice}`);
    }
  }
}

/** Reads fields of an expectation; those that are wrong are reported, and count as absent. */
function reader(entry: Mapping, path: Path, refuse: Report) {
  const wrong = (field: string, expectation: string): undefined => {
    const place = [...path, field];
    refuse('wrong-type', place, `${describePath(place)} is ${describeValue(entry[field])}; expected ${expectation}`);
    return undefined;
  };
  return {
    text: (field: string, isNeeded = true): string | undefined => {
      const value = entry[field];
      if (value === undefined && isNeeded) {
        refuse('missing-field', path, `${describePath([...path, field])} is missing`);
      }
      return value === undefined || (typeof value === 'string' && value !== '') ? value : wrong(field, 'a string');
    },
    texts: (field: string): string[] | undefined => {
      const value = entry[field];
      const list: unknown[] = Array.isArray(value) ? value : [value];
      const areTexts = list.every((one): one is string => typeof one === 'string' && one !== '');
      if (value === undefined) {
        return undefined;
      }
      return areTexts ? list : wrong(field, 'a string or a list of strings');
    },
    choice: <T extends string>(field: string, choices: readonly T[]): T | undefined => {
      const value = entry[field];
      const found = choices.find((choice) => choice === value);
      return value === undefined || found !== undefined ? found : wrong(field, listWords(choices, 'or'));
    },
    count: (field: string): number | undefined => {
      const value = entry[field];
      const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= mostTimes;
      if (value === undefined) {
        return undefined;
      }
      return isCount ? value : wrong(field, `a number from 1 to ${mostTimes}`);
    },
    flag: (field: string): boolean => {
      const value = entry[field];
      return value === undefined || typeof value === 'boolean'
        ? value === true
        : wrong(field, 'true or false') === true;
    },
  };
}

/** `http://cart:7070/path`, `tcp://10.96.0.5:80`, `udp://[fd00::5]:53`, `dns:cart.shop.svc.cluster.local` */
function parseTarget(text: string, type: (typeof dnsTypes)[number]): ProbeRequest | undefined {
  const [, name] = /^dns:([A-Za-z0-9_][-_.A-Za-z0-9]{0,252})$/.exec(text) ?? [];
  if (name !== undefined) {
    return { kind: 'dns', host: name, type, timeout: longestWait };
  }
  const [, kind, bracketed, plain, digits, path] =
    /^(http|tcp|udp):\/\/(?:\[([\da-fA-F:.]+)\]|([A-Za-z0-9_][-_.A-Za-z0-9]*))(?::(\d{1,5}))?(\/[!-~]*)?$/.exec(text) ??
    [];
  const port = digits === undefined && kind === 'http' ? 80 : Number(digits);
  const host = bracketed ?? plain;
  if (kind === undefined || host === undefined || !isPortNumber(port) || (path !== undefined && kind !== 'http')) {
    return undefined;
  }
  return {
    kind: kind as 'http' | 'tcp' | 'udp',
    host,
    port,
    ...(path !== undefined && { path }),
    timeout: longestWait,
  };
}
