import { readActualTable } from '../../apply/read-actual-table.ts';
import { type Diagnostic, diagnosticInFile } from '../../diagnostics/diagnostic.ts';
import { excerpt } from '../../diagnostics/format-diagnostic.ts';
import { isSavedText } from '../../iptables/parse-saved.ts';
import { readIptables } from '../../iptables/read-iptables.ts';
import { formatNftError, isNftError, type NftError } from '../../kernel/nft-error.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import { countOf, cutText, escapeControls, limitList, listSome, listWords, TextError } from '../../lib/text.ts';
import { isMapping } from '../../lib/unknown-values.ts';
import type { Family } from '../../net/network.ts';
import { readNftTables } from '../../nft/json/read-nft-json.ts';
import type { Deviation, ListedTable, ListedTables, TableName } from '../../nft/listed-table.ts';
import { parseNftText } from '../../nft/text/parse-nft-text.ts';
import { defaultOptions } from '../../options.ts';
import { parseJson } from '../../phases/1-read/parse-json.ts';
import { findLineStarts, positionAt } from '../../phases/1-read/positions.ts';
import { isDispatchChainName } from '../../phases/5-plan/known-names.ts';
import {
  inspectedNames,
  isKubeProxys,
  kubeProxyTable,
  nameElements,
  readKubeProxyName,
} from '../../phases/5-plan/kube-proxy-names.ts';
import { setNames } from '../../phases/5-plan/names.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { writeDiagnostic } from '../output/report-diagnostics.ts';
import { exitCodeOfError, noteOwners } from '../output/report-outcome.ts';
import { loadKernelIptables, noteIptables } from './load-iptables.ts';
import { openRules, type RulesSource, type RulesText } from './open-rules.ts';

/** Which tables to read. */
export interface TableChoice {
  readonly families: readonly Family[];
  /** As `--table` names it; undefined for that of svc2nft, or else that of kube-proxy, or else the rules of iptables. */
  readonly table: string | undefined;
  /** Whether the command takes rules of iptables, all tables as one ruleset. */
  readonly takesIptables?: boolean;
}

/**
 * Reads the tables of svc2nft or kube-proxy from the kernel (`kernel`), or from a file or stdin (`-`): the output of
 * `compile`, of `collect`, of `nft list`, with `-j` or without, or of iptables-save. Reading a file needs neither nft nor permissions. Elements of kube-proxy
 * get the comments that svc2nft would give them.
 *
 * @returns one table for each family that has one; at least one, or the exit code after a message on stderr.
 */
export async function loadListedTables(
  rules: string | RulesSource,
  choice: TableChoice,
  context: Context,
): Promise<readonly ListedTable[] | number> {
  const { table } = choice;
  const source = typeof rules === 'string' ? await openRules(rules, context) : rules;
  if (typeof source === 'number') {
    return source;
  }
  if (source.texts) {
    const found = readTexts(source, choice, context);
    return found ? chooseTables(found, table, context) : exitCodes.badInput;
  }
  const tables = await loadKernelTables(choice, context);
  if (typeof tables !== 'number' && tables.length === 0) {
    context.stderr.write(`error: the kernel has no ${nameTables(choice)}\n`);
    return exitCodes.badInput;
  }
  return tables;
}

/** The names that a table may have, the preferred one first. */
function tableNames({ table, takesIptables }: TableChoice): string[] {
  return table === undefined
    ? [defaultOptions.table, kubeProxyTable.name, ...(takesIptables ? [iptablesTable] : [])]
    : [table];
}

/** The name of all rules of iptables, as `--table` may have it. */
const iptablesTable = 'iptables';

function namesOf(choice: TableChoice): TableName[] {
  return tableNames(choice).flatMap((name) => choice.families.map((family) => ({ family, table: name })));
}

/** The tables of one name, the preferred one; if nobody asked for it by name, stderr says so where it is kube-proxy's. */
function chooseTables(
  tables: readonly ListedTable[],
  asked: string | undefined,
  { stderr }: Pick<Context, 'stderr'>,
): readonly ListedTable[] {
  const first = tables[0]?.ruleset.table;
  const chosen = tables.filter(({ ruleset }) => ruleset.table === first).map(withNames);
  if (asked === undefined && chosen.some(({ ruleset }) => isKubeProxys(ruleset))) {
    stderr.write(`note: these are the rules of kube-proxy, in table ${escapeControls(first ?? '')}\n`);
  }
  noteIptables(chosen, { stderr });
  return chosen;
}

function withNames(table: ListedTable): ListedTable {
  return isKubeProxys(table.ruleset) ? { ...table, ruleset: nameElements(table.ruleset) } : table;
}

/**
 * Reads tables from the kernel. A missing table is not an error here.
 *
 * @returns the tables that exist, or the exit code after a message on stderr.
 */
export async function loadKernelTables(
  choice: TableChoice,
  context: Context,
): Promise<readonly ListedTable[] | number> {
  const { families, table } = choice;
  let missing: NftError | undefined;
  for (const name of tableNames(choice)) {
    const names = families.map((family) => ({ family, table: name }));
    const tables =
      name === iptablesTable ? await loadKernelIptables(families, context) : await readKernelTables(names, context);
    if (typeof tables === 'number') {
      return tables;
    }
    if (isNftError(tables)) {
      missing = tables;
    } else if (tables.length > 0) {
      return chooseTables(tables, table, context);
    }
  }
  // A node without nft may have rules of iptables.
  return missing ? reportError(missing, context) : [];
}

function reportError(error: NftError, { stderr }: Pick<Context, 'stderr'>): number {
  stderr.write(`error: ${formatNftError(error)}\n`);
  return exitCodeOfError(error);
}

/** The tables; the error if nft is not there; for other errors, the exit code after a message on stderr. */
async function readKernelTables(
  names: readonly TableName[],
  context: Context,
): Promise<readonly ListedTable[] | NftError | number> {
  const tables: ListedTable[] = [];
  for (const name of names) {
    const table = await readKernelTable(context.run, name);
    if (isNftError(table)) {
      return table.kind === 'not-found' ? table : reportError(table, context);
    }
    tables.push(...(table ? [table] : []));
  }
  await noteOwners(tables, context);
  return tables;
}

/** How many of them are shown. */
const shownDeviations = 5;

/**
 * Warns on stderr about parts that svc2nft never writes: answers about these tables may be wrong. Other programs' rules of iptables
 * are only counted, as most packets do not meet them.
 */
export function warnAboutDeviations(tables: readonly ListedTable[], { stderr }: Pick<Context, 'stderr'>): void {
  const isUnknownRule = ({ ruleset }: ListedTable, { chain }: Deviation): boolean =>
    ruleset.language === 'iptables' && chain !== undefined;
  const all = tables.flatMap((table) => table.deviations.map((deviation) => ({ table, deviation })));
  const messages = all.flatMap(({ table, deviation }) => (isUnknownRule(table, deviation) ? [] : [deviation.message]));
  const chains = all.flatMap(({ table, deviation }) =>
    isUnknownRule(table, deviation) ? [deviation.chain ?? ''] : [],
  );
  if (chains.length > 0) {
    const places = escapeControls(listSome([...new Set(chains)], shownDeviations));
    stderr.write(`note: ${countOf(chains.length, 'rule')} of iptables may match or not: ${places}\n`);
  }
  for (const message of messages.slice(0, shownDeviations)) {
    stderr.write(`warning: ${escapeControls(message)}\n`);
  }
  if (messages.length > shownDeviations) {
    stderr.write(`warning: ... and ${messages.length - shownDeviations} more that svc2nft does not understand\n`);
  }
}

/** Such as `table ip svc2nft or kube-proxy`; without the family if several are meant. */
function nameTables(choice: TableChoice): string {
  const [only, ...others] = choice.families;
  const family = only && others.length === 0 ? `${only} ` : '';
  const names = tableNames(choice).map(escapeControls);
  const tables = names.filter((name) => name !== iptablesTable);
  const ofIptables = 'rules of kube-proxy or svc2nft for iptables';
  if (tables.length === 0) {
    return ofIptables;
  }
  return `table ${family}${listWords(tables, 'or')}${tables.length < names.length ? `, and no ${ofIptables}` : ''}`;
}

/**
 * Reads a table from the kernel; undefined if there is none. nft 1.0.6 prints incomplete JSON for a table with flags, such
 * as a dormant one; its text output is complete.
 */
async function readKernelTable(run: RunProgram, name: TableName): Promise<ListedTable | NftError | undefined> {
  const table = await readActualTable(run, name, undefined, { names: inspectedNames });
  if (!isNftError(table) || table.kind !== 'refused') {
    return table;
  }
  const { exitCode, stdout } = await run('nft', ['-n', 'list', 'table', name.family, name.table]);
  return (exitCode === 0 ? readText(stdout, name) : undefined) ?? table;
}

function readText(text: string, name: TableName): ListedTable | undefined {
  try {
    return parseNftText(text, [name], inspectedNames).tables[0];
  } catch (error) {
    if (error instanceof TextError) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Reads the tables of a choice from texts with nft text or nft's JSON, or of iptables-save, distinguished by how they begin: those
 * of the first text that has one.
 *
 * @returns at least one table, or undefined after a message on stderr.
 */
function readTexts(
  { texts = [], missing }: RulesSource,
  choice: TableChoice,
  context: Context,
): readonly ListedTable[] | undefined {
  const say = (text: string): boolean => context.stderr.write(`${text}\n`);
  let problem: Diagnostic | string | undefined;
  for (const input of texts) {
    const found = readTablesIn(input, choice);
    if (typeof found === 'object' && 'tables' in found) {
      return found.tables;
    }
    problem ??= found;
  }
  problem ??= 'error: svc2nft collect found no rules on the node';
  if (typeof problem === 'string') {
    say(problem);
  } else {
    writeDiagnostic(problem, context);
  }
  for (const text of missing) {
    say(`note: not collected: ${escapeControls(text)}`);
  }
  return undefined;
}

/** What a text has, at least one table; otherwise why there is none. */
function readTablesIn(
  { file, text }: RulesText,
  choice: TableChoice,
): Pick<ListedTables, 'tables'> | Diagnostic | string {
  const source = { file, names: namesOf(choice) };
  try {
    const found = readRulesetText(text, source);
    return 'code' in found || found.tables.length > 0 ? found : describeLack(found, file, choice);
  } catch (error) {
    if (error instanceof TextError) {
      return describeSyntaxError(error, file);
    }
    throw error;
  }
}

/** Where a text with rules cannot be read, and why: two or three lines for stderr, without a line feed at the end. */
export function describeSyntaxError({ line, column, lineText, message }: TextError, file: string): string {
  const head = `${escapeControls(file)}:${line}:${column}: error: ${escapeControls(message)}`;
  if (lineText.trim() === '') {
    return head;
  }
  // nft indents with tabs, which an excerpt would show as escapes.
  const indentation = /^[ \t]*/.exec(lineText)?.[0].length ?? 0;
  const shownLine = excerpt({ line, column: column - indentation, lineText: lineText.slice(indentation) });
  return `${head}\n  ${shownLine.line}\n  ${shownLine.caret}`;
}

/** How many tables of a file are named. */
const shownProblems = 8;

function describeLack({ found }: ListedTables, file: string, choice: TableChoice): string {
  const has = found.length === 0 ? 'no tables' : limitList(found.map(cut), shownProblems).join(', ');
  return `error: ${escapeControls(file)} has no ${nameTables(choice)} (it has ${escapeControls(has)})`;
}

/** nft itself allows names of 255 characters. */
function cut(name: string): string {
  return cutText(name, 64);
}

interface RulesetSource {
  readonly file: string;
  readonly names: readonly TableName[];
}

/**
 * Reads nft's JSON if the text begins with a brace, rules of iptables-save if it begins as these do, else nft text.
 *
 * @returns a diagnostic for JSON that is incomplete or not nft's.
 * @throws TextError for invalid text of nft or iptables-save.
 */
export function readRulesetText(text: string, source: RulesetSource): ListedTables | Diagnostic {
  if (isSavedText(text)) {
    return chooseIptables(readIptables(text), source);
  }
  const listed = /^\s*\{/.test(text) ? readJson(text, source) : parseNftText(text, source.names, inspectedNames);
  if ('code' in listed) {
    return listed;
  }
  const tables = listed.tables.map((table) => ({ ...table, deviations: [...table.deviations, ...findTerse(table)] }));
  return { ...listed, tables };
}

function chooseIptables(all: readonly ListedTable[], { names }: RulesetSource): ListedTables {
  const tables = all.filter(({ ruleset }) =>
    names.some(({ family, table }) => family === ruleset.family && table === iptablesTable),
  );
  return { tables, found: all.map(({ ruleset }) => `${ruleset.family} ${iptablesTable}`) };
}

/**
 * A deviation when chains wait for packets that no set sends them: `nft -t` leaves out all elements. A table that was
 * emptied may keep such chains for a while, so the message is a question.
 */
function findTerse({ ruleset }: ListedTable): Deviation[] {
  const { family, table, sets, chains } = ruleset;
  const frontends = sets.filter(({ name }) => frontendSets.has(name));
  const isTerse =
    chains.some(({ name }) => isDispatchChainName(name) || readKubeProxyName(name) !== undefined) &&
    frontends.some(({ name }) => name === setNames.serviceIps) &&
    frontends.every(({ elements }) => elements.length === 0);
  const message = `table ${family} ${table}: the sets have no elements; was it listed with -t?`;
  return isTerse ? [{ message, needsRebuild: false }] : [];
}

/** Every Service has an element in at least one of them. */
const frontendSets: ReadonlySet<string> = new Set([
  setNames.serviceIps,
  setNames.serviceNodePorts,
  setNames.clusterIps,
  setNames.noEndpointServices,
  setNames.noEndpointNodePorts,
]);

function readJson(text: string, { file, names }: RulesetSource): ListedTables | Diagnostic {
  const { values, error } = parseJson(text);
  if (error) {
    const position = positionAt(text, findLineStarts(text), error.offset);
    const hint =
      'nft 1.0.6 stops halfway at anything it cannot write as JSON, such as a dormant table; use its text output, without -j';
    return diagnosticInFile('invalid-json', `${error.message} (${hint})`, file, position);
  }
  // Several outputs of nft may follow one another.
  const lists = values.flatMap(({ value }) => listIn(value));
  if (lists.length === 0) {
    return diagnosticInFile('invalid-json', 'not the JSON of nft, which has a list "nftables"', file);
  }
  return readNftTables({ nftables: lists.flat() }, names, inspectedNames);
}

/** The list of objects in one output of nft; nothing for any other value. */
function listIn(value: unknown): (readonly unknown[])[] {
  const objects: unknown = isMapping(value) ? value['nftables'] : undefined;
  return Array.isArray(objects) ? [objects] : [];
}
