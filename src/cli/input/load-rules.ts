import { networkInterfaces } from 'node:os';
import { type Diagnostic, diagnosticInFile } from '../../diagnostics/diagnostic.ts';
import { excerpt, formatDiagnostic } from '../../diagnostics/format-diagnostic.ts';
import type { Table } from '../../inspect/explain/question.ts';
import { formatNftError, type NftError } from '../../kernel/nft-error.ts';
import { isNftError, readTable } from '../../kernel/read-table.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import { escapeControls, suggestClosest } from '../../lib/text.ts';
import { isMapping } from '../../lib/unknown-values.ts';
import { canonicalAddress, isLoopback } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import { onlyField } from '../../nft/json/json-values.ts';
import { collectObjects, findTerse, type RulesetTables, readNftJson } from '../../nft/json/read-nft-json.ts';
import type { ListedTable, TableName } from '../../nft/listed-table.ts';
import { parseNftText } from '../../nft/text/parse-nft-text.ts';
import { NftTextError } from '../../nft/text/tokens.ts';
import { type CompileOptions, defaultOptions } from '../../options.ts';
import { parseJson } from '../../phases/1-read/parse-json.ts';
import { decodeText, findLineStarts, positionAt } from '../../phases/1-read/positions.ts';
import { setNames } from '../../phases/5-plan/names.ts';
import type { MemoryEntry } from '../../walk/fate.ts';
import { type Streams, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { CompileFlags } from '../flags/compile-flags.ts';
import { exitCodeOfError } from '../output/report-outcome.ts';
import type { Cluster } from './load-cluster.ts';
import { loadFile, loadInput } from './load-files.ts';

/** The rules that a question is about. */
export interface LoadedRules {
  readonly byFamily: ReadonlyMap<Family, Table>;
  /** Addresses of the node, as far as the rules or the machine tell. */
  readonly ownAddresses: readonly string[];
}

/**
 * The rules of the kernel or of a file, where `--ruleset` asks for them, else those of the snapshot. What in them no
 * compiler makes is told on stderr.
 *
 * @returns the exit code where there are none.
 */
export async function loadRules(
  flags: CompileFlags & { readonly ruleset?: string },
  cluster: Cluster | undefined,
  streams: Streams,
): Promise<LoadedRules | number> {
  if (flags.ruleset === undefined) {
    const rulesets = cluster?.rulesets ?? [];
    return { byFamily: new Map(rulesets.map((ruleset) => [ruleset.family, { ruleset }])), ownAddresses: [] };
  }
  const { families, table } = cluster?.options ?? {
    families: flags.family === undefined ? defaultOptions.families : [flags.family],
    table: flags.table ?? defaultOptions.table,
  };
  const listings = await loadListings(flags.ruleset, { families, table }, streams);
  if (typeof listings === 'number') {
    return listings;
  }
  warnAboutDeviations(listings, streams);
  const addresses = [
    ...(flags.nodeIp ?? []),
    ...(flags.ruleset === 'kernel' ? ownAddresses() : []),
    ...nodePortIps(listings),
  ].flatMap((address) => canonicalAddress(address) ?? []);
  if (!cluster && addresses.length === 0) {
    streams.stderr.write('note: these rules name no address of the node, so none counts as its own; give --node-ip\n');
  }
  return {
    byFamily: new Map(listings.map((listing) => [listing.ruleset.family, tableOf(listing)])),
    ownAddresses: addresses,
  };
}

function tableOf({ ruleset, dynamic, isDormant }: ListedTable): Table {
  const memory = [...dynamic].map(([set, elements]): [string, ReadonlyMap<string, MemoryEntry>] => [
    set,
    new Map(elements.map(({ key, value }) => [key, { key, ...(value && { value }) }])),
  ]);
  return { ruleset, memory: new Map(memory), ...(isDormant && { isDormant }) };
}

/** Addresses that accept node ports are the node's own. */
function nodePortIps(listings: readonly ListedTable[]): string[] {
  const sets = listings.flatMap(({ ruleset }) => ruleset.sets);
  return sets
    .filter(({ name }) => name === setNames.nodePortIps)
    .flatMap(({ elements }) => elements.map(({ key }) => key));
}

/**
 * Reads rulesets of ours that are loaded (`kernel`) or written (a file or `-` for stdin: what `compile` prints, or what
 * `nft list` does, with `-j` or without; this needs neither nft nor rights).
 *
 * @returns one listing for each of the families that has a table; at least one, or the exit code after a message on stderr.
 */
export async function loadListings(
  source: string,
  { families, table }: Pick<CompileOptions, 'families' | 'table'>,
  streams: Streams,
): Promise<readonly ListedTable[] | number> {
  if (source === '') {
    streams.stderr.write('error: --ruleset wants a file or kernel\n');
    return exitCodes.wrongUsage;
  }
  const names = families.map((family) => ({ family, table }));
  if (source !== 'kernel') {
    const found = await loadRulesetFile(source, names, streams);
    return found ?? exitCodes.badInput;
  }
  const listings = await loadKernelListings(names, streams);
  if (typeof listings !== 'number' && listings.length === 0) {
    streams.stderr.write(`error: the kernel has no ${nameTables(names)}\n`);
    return exitCodes.badInput;
  }
  return listings;
}

/**
 * Reads those of the named tables that are loaded, for whom a missing table is an answer as well.
 *
 * @returns one listing for each table that there is, or the exit code after a message on stderr.
 */
export async function loadKernelListings(
  names: readonly TableName[],
  streams: Streams,
): Promise<readonly ListedTable[] | number> {
  const listings: ListedTable[] = [];
  for (const name of names) {
    const listing = await readKernelTable(streams.run, name);
    if (isNftError(listing)) {
      streams.stderr.write(`error: ${formatNftError(listing)}\n`);
      return exitCodeOfError(listing);
    }
    listings.push(...(listing ? [listing] : []));
  }
  return listings;
}

/** How many are told. */
const shownDeviations = 5;

/** Tells on stderr what rules hold that no compiler makes, so that an answer about them may be wrong. */
export function warnAboutDeviations(listings: readonly ListedTable[], { stderr }: Pick<Streams, 'stderr'>): void {
  const messages = listings.flatMap(({ deviations }) => deviations.map(({ message }) => message));
  for (const message of messages.slice(0, shownDeviations)) {
    stderr.write(`warning: ${escapeControls(message)}\n`);
  }
  if (messages.length > shownDeviations) {
    stderr.write(`warning: ... and ${messages.length - shownDeviations} more that svc2nft does not understand\n`);
  }
}

/** `table ip svc2nft`; without the family where several are meant, whose tables all have the same name. */
function nameTables(names: readonly TableName[]): string {
  const [first] = names;
  const table = escapeControls(first?.table ?? '');
  return names.length === 1 ? `table ${first?.family} ${table}` : `table ${table}`;
}

/** The addresses of this machine, in this network namespace, 127.0.0.0/8 and ::1 left out; canonical. */
function ownAddresses(): string[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const addresses = entries.flatMap(({ address }) => canonicalAddress(address) ?? []);
  return addresses.filter((address) => !isLoopback(address));
}

/**
 * Reads a table from the kernel to look at it: undefined when there is none. nft 1.0.6 prints no whole JSON of a table that
 * has flags, dormant ones for instance; its text has them.
 */
async function readKernelTable(run: RunProgram, name: TableName): Promise<ListedTable | NftError | undefined> {
  const listing = await readTable(run, name);
  if (!isNftError(listing) || listing.kind !== 'refused') {
    return listing;
  }
  const { exitCode, stdout } = await run('nft', ['-n', 'list', 'table', name.family, name.table]);
  return (exitCode === 0 ? readText(stdout, name) : undefined) ?? listing;
}

function readText(text: string, name: TableName): ListedTable | undefined {
  try {
    return parseNftText(text, [name]).listings[0];
  } catch (error) {
    if (error instanceof NftTextError) {
      return undefined;
    }
    throw error;
  }
}

const whatIsExpected = 'what svc2nft compile, nft list ruleset or nft -j list ruleset prints is expected';

/**
 * Reads those of the named tables that a file (`-` is stdin) has: nft text or nft's JSON, by its first character.
 *
 * @returns at least one listing, or undefined after a message on stderr.
 */
async function loadRulesetFile(
  path: string,
  names: readonly TableName[],
  streams: Streams,
): Promise<readonly ListedTable[] | undefined> {
  const fail = (problem: Diagnostic | string): undefined => {
    const text = typeof problem === 'string' ? problem : formatDiagnostic(problem, { color: wantsColor(streams) });
    streams.stderr.write(`${text}\n`);
  };
  const input = await loadText(path, streams);
  if ('code' in input) {
    return fail(input);
  }
  const wanted = { file: input.file, names };
  try {
    const tables = readRulesetText(input.text, wanted);
    if ('code' in tables) {
      return fail(tables);
    }
    return tables.listings.length > 0 ? tables.listings : fail(describeLack(tables, wanted));
  } catch (error) {
    if (error instanceof NftTextError) {
      return fail(describeSyntaxError(error, input.file));
    }
    throw error;
  }
}

/** The text of a file, or why there is none. */
async function loadText(path: string, { stdin }: Streams): Promise<{ file: string; text: string } | Diagnostic> {
  const { texts, diagnostics } = path === '-' ? await loadInput(['-'], stdin) : await loadFile(path);
  const [problem] = diagnostics;
  const [input] = texts;
  if (problem || !input) {
    return problem ? withHint(problem, path) : diagnosticInFile('file-unreadable', 'it cannot be read', path);
  }
  const { file } = input;
  const text = decodeText(input);
  if (typeof text !== 'string') {
    return diagnosticInFile('not-text', `the file is no text; ${whatIsExpected}`, file);
  }
  return text.trim() === ''
    ? diagnosticInFile('empty-input', `the file is empty; ${whatIsExpected}`, file)
    : { file, text };
}

/** Who means the kernel and mistypes it names a file that is not there. */
function withHint(problem: Diagnostic, path: string): Diagnostic {
  const meant = problem.code === 'file-not-found' ? suggestClosest(path, ['kernel']) : undefined;
  return meant === undefined ? problem : { ...problem, message: `${problem.message} (did you mean ${meant}?)` };
}

function describeSyntaxError({ line, column, lineText, message }: NftTextError, file: string): string {
  const head = `${escapeControls(file)}:${line}:${column}: error: ${escapeControls(message)}`;
  if (lineText.trim() === '') {
    return head;
  }
  // nft indents with tabs, which an excerpt would show as escapes.
  const indentation = /^[ \t]*/.exec(lineText)?.[0].length ?? 0;
  const shownLine = excerpt({ line, column: column - indentation, lineText: lineText.slice(indentation) });
  return `${head}\n  ${shownLine.line}\n  ${shownLine.caret}`;
}

/** How many of the tables of a file are named. */
const shownProblems = 8;

function describeLack(
  { found }: RulesetTables,
  { file, names }: { readonly file: string; readonly names: readonly TableName[] },
): string {
  const more = found.length > shownProblems ? [`${found.length - shownProblems} more`] : [];
  const has = found.length === 0 ? 'no tables' : [...found.slice(0, shownProblems).map(cut), ...more].join(', ');
  return `error: ${escapeControls(file)} has no ${nameTables(names)} (it has ${escapeControls(has)})`;
}

/** nft itself allows names of 255 characters. */
function cut(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}...` : name;
}

interface Wanted {
  readonly file: string;
  readonly names: readonly TableName[];
}

/**
 * Reads nft's JSON where the text begins with a brace, and nft text elsewhere.
 *
 * @returns a diagnostic for JSON that is not whole or not nft's.
 * @throws NftTextError for wrong nft text.
 */
export function readRulesetText(text: string, wanted: Wanted): RulesetTables | Diagnostic {
  const tables = /^\s*\{/.test(text) ? readJson(text, wanted) : parseNftText(text, wanted.names);
  if ('code' in tables) {
    return tables;
  }
  const listings = tables.listings.map((listing) => ({
    ...listing,
    deviations: [...listing.deviations, ...findTerse(listing)],
  }));
  return { ...tables, listings };
}

function readJson(text: string, { file, names }: Wanted): RulesetTables | Diagnostic {
  const { values, error } = parseJson(text);
  if (error) {
    const position = positionAt(text, findLineStarts(text), error.offset);
    const hint =
      'nft 1.0.6 stops half way at what it has no JSON for, a dormant table for one; try its text, without -j';
    return diagnosticInFile('invalid-json', `${error.message} (${hint})`, file, position);
  }
  // Several listings in a row are as good as one.
  const lists = values.flatMap(({ value }) => listIn(value));
  if (lists.length === 0) {
    return diagnosticInFile('invalid-json', 'this is not the JSON of nft, which has a list "nftables"', file);
  }
  const objects = lists.flat();
  const json = { nftables: objects };
  const present = names.filter((name) => collectObjects(json, name).table);
  return {
    listings: present.map((name) => readNftJson(json, name)),
    found: objects.flatMap(tableName),
  };
}

/** The list of objects in one listing; nothing for a value that is none. */
function listIn(value: unknown): (readonly unknown[])[] {
  const objects: unknown = isMapping(value) ? value['nftables'] : undefined;
  return Array.isArray(objects) ? [objects] : [];
}

function tableName(object: unknown): string[] {
  const [kind, body] = onlyField(object) ?? [];
  const { family, name } = kind === 'table' && isMapping(body) ? body : {};
  return typeof family === 'string' && typeof name === 'string' ? [`${family} ${name}`] : [];
}
