import type { Compiled } from '../../compile.ts';
import { type Diagnostic, type ObjectReference, referenceOf } from '../../diagnostics/diagnostic.ts';
import type { Document } from '../../diagnostics/document.ts';
import type { Frontend } from '../../frontends/frontend.ts';
import { readFrontends } from '../../frontends/read-frontends.ts';
import { readSavedFrontends, type SavedRules } from '../../iptables/saved-rules.ts';
import { isNftError, type NftError } from '../../kernel/nft-error.ts';
import { findNamespacesWithoutSlices, incompleteCodes, wholeInput } from '../../kubernetes/completeness.ts';
import { namespaceOf } from '../../kubernetes/services.ts';
import { compareText, countNames } from '../../lib/text.ts';
import { isMapping } from '../../lib/unknown-values.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import type { CompileOptions } from '../../options.ts';
import { classify, type UsedKind } from '../../phases/2-validate/validate-object.ts';
import type { Context } from '../context.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';

/** The machine whose kernel is changed. */
export interface Machine {
  /** In any case, with or without a domain. */
  readonly hostName: string;
  /** The input may lack Services, EndpointSlices or the Node, as that of an empty cluster does. */
  readonly allowEmpty: boolean;
}

/**
 * The reasons not to change the kernel: the input is half of a cluster, so that Services or endpoints only seem to be gone.
 * What broke the input comes alone, because what is missing follows from it.
 *
 * @param diagnostics of reading and compiling.
 */
export function refuseIncomplete(
  diagnostics: readonly Diagnostic[],
  { documents, options }: { readonly documents: readonly Document[]; readonly options: CompileOptions },
  { allowEmpty, hostName }: Machine,
): Diagnostic[] {
  const ofKind = (kind: 'absence' | 'broken'): Diagnostic[] =>
    diagnostics.filter(({ code }) => incompleteCodes.get(code) === kind);
  // With --keep-going: what such a document was meant to be, and how many objects are missing, is not known.
  const unknown = diagnostics.filter(({ code }) => code === 'not-an-object');
  const broken = [...ofKind('broken'), ...unknown];
  if (broken.length > 0) {
    return broken.map(asError);
  }
  const nodes = namesOfNodes(documents);
  if (options.nodeName === undefined && nodes.length > 1) {
    const message = `the input has ${countNames(nodes, 'Node')}, and none has the name of this machine (${hostName}); use --node NAME`;
    return [asError({ code: 'several-nodes', message })];
  }
  if (hasOnlyInvalidAddresses(diagnostics)) {
    const message =
      'no address of the Node is valid, so node ports would be open on all addresses; correct it, or give --node-ip';
    return [asError({ code: 'no-node-address', message })];
  }
  const node = [...findMissingNode(nodes, documents, options), ...findMissingAddresses(nodes, diagnostics)];
  return allowEmpty ? [] : [...ofKind('absence'), ...node].map(asAbsence);
}

/** As for the engine, which waits for a better Node. */
function hasOnlyInvalidAddresses(diagnostics: readonly Diagnostic[]): boolean {
  const isMisread = diagnostics.some(({ code, object }) => code === 'ignored-address' && object?.kind === 'Node');
  return isMisread && diagnostics.some(({ code }) => code === 'no-node-address');
}

/** Without its Node, node ports would be open on all addresses, and no endpoint would be in its zone. */
function findMissingNode(
  nodes: readonly string[],
  documents: readonly Document[],
  { nodeName, nodeAddresses }: CompileOptions,
): Diagnostic[] {
  const isFound = nodeName === undefined ? nodes.length > 0 : nodes.includes(nodeName);
  const isNeeded = nodeName !== undefined || documents.some(({ value }) => isOfKind(value, 'Service'));
  if (isFound || nodeAddresses.length > 0 || !isNeeded) {
    return [];
  }
  const name = nodeName === undefined ? '' : ` ${JSON.stringify(nodeName)}`;
  const message = `the input has no Node${name}, so its addresses are not known; get it: ${wholeInput}, or give --node-ip`;
  return [{ code: 'node-not-found', message }];
}

/** A Node without addresses is one without its status: a manifest, not what the cluster has. */
function findMissingAddresses(nodes: readonly string[], diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const lacksAddress = diagnostics.some(({ code }) => code === 'no-node-address');
  if (nodes.length === 0 || !lacksAddress) {
    return [];
  }
  const message = `the Node has no address in its status, so node ports would be open on all addresses; get it: ${wholeInput}, or give --node-ip`;
  return [{ code: 'no-node-address', message }];
}

/**
 * Whether a diagnostic says that something is missing, which the table in the kernel may have. Where the rules are for this
 * machine, the caller reports it, once it has seen the table: as it is, or as the reason to refuse the input.
 */
export function isPartial({ code }: Diagnostic): boolean {
  return incompleteCodes.get(code) === 'partial';
}

/** What decides whether a snapshot may change the kernel, besides what it has. */
interface RemovalSettings {
  readonly dryRun: 'client' | 'server' | undefined;
  readonly allowEmpty: boolean;
  readonly context: Context;
}

/**
 * Whether a compiled snapshot must not change the kernel, since it seems to have only a part of the cluster. Reports that, or else
 * what it lacks, and whether it is that of another machine.
 *
 * @param readServed says what the kernel serves now.
 */
export async function refusesInput(
  compiled: Pick<Compiled<unknown>, 'views' | 'diagnostics'> & { readonly documents: readonly Document[] },
  readServed: () => Promise<ServedServices>,
  { dryRun, allowEmpty, context }: RemovalSettings,
): Promise<boolean> {
  // A plan may well be made on another machine.
  if (dryRun !== 'client') {
    warnOfOtherMachine(compiled.views, context);
  }
  const refusal = allowEmpty ? undefined : await refuseRemoval(compiled, readServed);
  if (refusal) {
    reportDiagnostics([refusal], { refused: true, context });
    return true;
  }
  reportDiagnostics(compiled.diagnostics.filter(isPartial), { refused: false, context });
  return false;
}

/** Warns if none of the Node's addresses is on this machine. Says nothing if either has no known address. */
function warnOfOtherMachine(views: Compiled<unknown>['views'], { addresses, stderr }: Context): void {
  const own = addresses?.() ?? [];
  const expected = views.flatMap((view) => view.addresses);
  const name = views[0]?.nodeName ?? '';
  if (own.length === 0 || expected.length === 0 || own.some((address) => expected.includes(address))) {
    return;
  }
  const node = name === '' ? 'the node' : `Node ${name}`;
  const shown = [...own.slice(0, shownAddresses), ...(own.length > shownAddresses ? ['...'] : [])].join(', ');
  stderr.write(
    `warning: this machine (${shown}) has none of the addresses of ${node} (${expected.join(', ')})\n    check --node and --node-ip: the rules may be those of another node\n`,
  );
}

/** How many addresses of the machine a message has. */
const shownAddresses = 5;

/**
 * The reason not to remove Services that tables serve, or all their endpoints, where the input seems to have only a part of
 * a cluster: no Service with a cluster IP, those of one namespace, all but the one of the API server, or the EndpointSlices
 * of some namespaces.
 *
 * @param readServed is called only for such an input.
 */
async function refuseRemoval(
  { documents, views }: Pick<Compiled<unknown>, 'views'> & { readonly documents: readonly Document[] },
  readServed: () => Promise<ServedServices>,
): Promise<Diagnostic | undefined> {
  const bare = namespacesWithoutSlices(documents);
  const isEmpty = views.every(({ servicePorts }) => servicePorts.length === 0);
  const services = referencesOf(documents, 'Service');
  const namespaces = [...new Set(services.map(namespaceOf))];
  const hasApiServer = services.some((service) => `${namespaceOf(service)}/${service.name}` === apiServer);
  if (!isEmpty && namespaces.length > 1 && hasApiServer && bare.length === 0) {
    return undefined;
  }
  const { all: served, withEndpoints, isUnknown } = await readServed();
  if (isEmpty) {
    return refuseEmptying(served, { isUnknown });
  }
  const [namespace = ''] = namespaces;
  const others = served.filter((service) => !service.startsWith(`${namespace}/`));
  if (namespaces.length === 1 && others.length > 0) {
    const message = `all Services of the input are in namespace ${namespace}, but the table in the kernel serves ${countNames(others, 'Service')} of other namespaces; get all namespaces: ${wholeInput}`;
    return asAbsence({ code: 'no-services', message });
  }
  if (!hasApiServer && served.includes(apiServer)) {
    const message = `the input has no Service ${apiServer}, which every cluster has and the table in the kernel serves; get all: ${wholeInput}`;
    return asAbsence({ code: 'no-services', message });
  }
  return refuseWithoutSlices(bare, withEndpoints);
}

/** Services of these namespaces would lose all their endpoints. */
function refuseWithoutSlices(namespaces: readonly string[], served: readonly string[]): Diagnostic | undefined {
  const isBare = (service: string): boolean => namespaces.includes(service.replace(/\/.*/s, ''));
  const losing = served.filter(isBare);
  if (losing.length === 0) {
    return undefined;
  }
  const message = `${countNames(namespaces, 'namespace')} of the input ${namespaces.length === 1 ? 'has' : 'have'} no EndpointSlice, but the table in the kernel has endpoints for ${countNames(losing, 'Service')} there; get all namespaces: ${wholeInput}`;
  return asAbsence({ code: 'namespace-without-slices', message });
}

function namespacesWithoutSlices(documents: readonly Document[]): string[] {
  const valuesOf = (kind: UsedKind): unknown[] =>
    documents.flatMap(({ value }) => (isOfKind(value, kind) ? [value] : []));
  return findNamespacesWithoutSlices(valuesOf('Service'), valuesOf('EndpointSlice'));
}

/** The API server's Service, which it creates again when somebody deletes it. */
const apiServer = 'default/kubernetes';

function refuseEmptying(
  served: readonly string[],
  { isUnknown }: { readonly isUnknown: boolean },
): Diagnostic | undefined {
  if (served.length === 0 && !isUnknown) {
    return undefined;
  }
  const serves = served.length > 0 ? `serves ${countNames(served, 'Service')}` : 'cannot be read, and may serve some';
  const message = `the input has no Service with a cluster IP, but the table in the kernel ${serves}; get all: ${wholeInput}`;
  return asAbsence({ code: 'no-services', message });
}

/** The Services that the kernel serves, `namespace/name`. */
export interface ServedServices {
  readonly all: readonly string[];
  /** Those of which a frontend has endpoints. */
  readonly withEndpoints: readonly string[];
  /** Something cannot be read that would be replaced, and may serve more. */
  readonly isUnknown: boolean;
}

/** What tables serve. */
export function servedByTables(tables: readonly (ListedTable | NftError | undefined)[]): ServedServices {
  const rulesets = tables.flatMap((table) => (table && !isNftError(table) ? [table.ruleset] : []));
  const frontends = rulesets.flatMap((ruleset) => [...readFrontends(ruleset).values()]);
  const hasEndpoints = ({ all = [], local = [] }: Frontend): boolean => all.length + local.length > 0;
  return {
    all: servicesOf(frontends),
    withEndpoints: servicesOf(frontends.filter(hasEndpoints)),
    isUnknown: tables.some((table) => isNftError(table) && table.rebuild),
  };
}

/** `namespace/name` of frontends, sorted. */
function servicesOf(frontends: readonly Frontend[]): string[] {
  // `namespace/name:port`; an element of others has no such name.
  const names = frontends.map(({ name }) => name).filter((name) => name.includes('/'));
  return uniqueNames(names.map((name) => name.replace(/:.*/s, '')));
}

/** What rules for iptables serve. */
export function servedByIptables(rules: readonly (SavedRules | undefined)[]): ServedServices {
  const frontends = rules.flatMap((saved) => (saved ? readSavedFrontends(saved) : []));
  return {
    all: uniqueNames(frontends.map(({ service }) => service)),
    withEndpoints: uniqueNames(frontends.flatMap(({ service, hasEndpoints }) => (hasEndpoints ? [service] : []))),
    isUnknown: false,
  };
}

function uniqueNames(names: readonly string[]): string[] {
  return [...new Set(names)].sort(compareText);
}

/**
 * The name of this machine's Node, if the input has several: in full or up to the first dot, as kubelet registers it.
 * Undefined where none has that name.
 */
export function findOwnNode(
  documents: readonly Document[],
  { hostName }: Pick<Machine, 'hostName'>,
): string | undefined {
  const nodes = namesOfNodes(documents);
  const name = hostName.toLowerCase();
  return nodes.length < 2
    ? undefined
    : [name, name.replace(/\..*/s, '')].find((candidate) => nodes.includes(candidate));
}

function namesOfNodes(documents: readonly Document[]): string[] {
  const names = referencesOf(documents, 'Node').flatMap(({ name }) => name ?? []);
  return [...new Set(names)].sort(compareText);
}

function referencesOf(documents: readonly Document[], kind: UsedKind): ObjectReference[] {
  return documents.flatMap(({ value }) => (isOfKind(value, kind) ? (referenceOf(value) ?? []) : []));
}

function isOfKind(value: unknown, kind: UsedKind): boolean {
  // Of tens of thousands of objects, most are of another kind.
  if (!isMapping(value) || value['kind'] !== kind) {
    return false;
  }
  const classified = classify(value);
  return classified.is === 'used' && classified.kind === kind;
}

function asAbsence(diagnostic: Diagnostic): Diagnostic {
  return asError({ ...diagnostic, message: `${diagnostic.message}; if it is meant to be so, use --allow-empty` });
}

function asError(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, severity: 'error' };
}
