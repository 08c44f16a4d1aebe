import { escapeControls } from '../lib/text.ts';
import type { ProgramResult } from './run-program.ts';

/** What can go wrong with nft. Each kind has a row in docs/nft-errors.md, which a test checks. */
export type NftErrorKind =
  | 'not-found'
  | 'no-permission'
  | 'owned'
  | 'nft-too-old'
  | 'kernel-too-old'
  | 'message-too-long'
  | 'no-buffer-space'
  | 'out-of-memory'
  | 'interrupted'
  | 'timed-out'
  | 'busy'
  | 'file-exists'
  | 'no-such-file'
  | 'syntax'
  | 'crashed'
  | 'unreadable'
  | 'refused';

/** What may help against a kind of error. */
export interface NftRemedy {
  /** The same transaction may be accepted a moment later. */
  readonly retry: boolean;
  /** A transaction that deletes the table and creates it again may be accepted. */
  readonly rebuild: boolean;
  /** A few Services may be the cause; a transaction without them may be accepted. */
  readonly bisect: boolean;
  /** One sentence: what the user can do when none of this helped. */
  readonly advice: string;
}

/** A failure of nft. */
export interface NftError extends NftRemedy {
  readonly kind: NftErrorKind;
  /** At least one printable line: the first lines of nft's message, long ones cut around the underlined part. */
  readonly said: readonly string[];
}

/** The error of a program that did not end with exit code 0. Nothing else reads nft's messages. */
export function classifyNftError(result: ProgramResult): NftError {
  const error = createNftError(kindOf(result), linesOf(result));
  return result.denied ? { ...error, advice: notExecutable } : error;
}

/** Even root may not execute it. */
const notExecutable = 'Make nft executable (chmod +x), and look for a mount with noexec, AppArmor or SELinux.';

/** An error of a kind that is already known. */
export function createNftError(kind: NftErrorKind, said: readonly string[]): NftError {
  return { kind, said, ...nftRemedies[kind] };
}

/** Whether the kernel may have accepted a transaction all the same: nft may end after it, in whatever way. */
export function leavesOpen({ kind }: NftError): boolean {
  return kind === 'interrupted' || kind === 'timed-out' || kind === 'crashed';
}

/**
 * The error of an nft that also crashes when it is to delete a table. Before any change it reads the sets of all tables, and
 * nft 1.0.6 cannot read those that 1.1.3 wrote.
 */
export function createUnreadable({ said }: NftError): NftError {
  return createNftError('unreadable', ['nft cannot read the tables here; a newer nft may have written them', ...said]);
}

/** Whether a value is an error of nft. */
export function isNftError(value: object | undefined): value is NftError {
  return value !== undefined && 'kind' in value;
}

/** The error as human-readable text, on several lines without a line break at the end. */
export function formatNftError({ kind, said, advice }: NftError): string {
  return [`nft: ${kind}`, ...said.map((line) => `    ${line}`), advice].join('\n');
}

const otherProgram = 'Check whether another program changes the table; if not, report a bug in svc2nft.';
const ourFault = 'Report a bug in svc2nft, with the version of nft.';

/** The remedies of all kinds. */
export const nftRemedies: Readonly<Record<NftErrorKind, NftRemedy>> = {
  'not-found': remedy('', 'Install nftables 1.0.6 or newer, and check that `nft --version` works.'),
  'no-permission': remedy('', 'Run svc2nft as root, or with CAP_NET_ADMIN in the network namespace.'),
  owned: remedy(
    '',
    'End the program that owns the table, such as an agent with --own-table, or choose another name with --table.',
  ),
  'nft-too-old': remedy('', 'Install nftables 1.0.6 or newer.'),
  // The kernel also answers so to another hook for an existing chain, and to rules that do not fit its hook.
  'kernel-too-old': remedy('rebuild bisect', 'Use Linux 5.13 or newer, with all modules listed in docs/nft-errors.md.'),
  'message-too-long': remedy('', 'Raise net.core.wmem_max and net.core.wmem_default on the host.'),
  // The kernel's answer did not fit into the buffer, so it may have been any error.
  'no-buffer-space': remedy('rebuild bisect', 'Raise net.core.rmem_max and net.core.rmem_default on the host.'),
  'out-of-memory': remedy('', 'Give nft more memory; it needs about 3 kB for each element of a set or map.'),
  // The transaction may have been loaded: nft may be ended after the kernel is done.
  interrupted: remedy('retry rebuild', 'Find out what killed nft; the kernel sends SIGKILL when memory runs out.'),
  'timed-out': remedy(
    '',
    'Look for what keeps nft from its work: too little CPU time, or another nft that changes rules.',
  ),
  busy: remedy('retry rebuild', otherProgram),
  'file-exists': remedy('rebuild bisect', otherProgram),
  'no-such-file': remedy('rebuild bisect', otherProgram),
  syntax: remedy('rebuild bisect', ourFault),
  crashed: remedy('rebuild bisect', 'Install a newer nftables.'),
  unreadable: remedy('', 'Use the nft that wrote the tables, or a newer one; older ones cannot even delete them.'),
  refused: remedy('rebuild bisect', ourFault),
};

function remedy(helps: '' | 'retry rebuild' | 'rebuild bisect', advice: string): NftRemedy {
  const words = helps.split(' ');
  return {
    retry: words.includes('retry'),
    rebuild: words.includes('rebuild'),
    bisect: words.includes('bisect'),
    advice,
  };
}

/** Signals of a crash; others are sent by other programs. */
const signalsOfCrashes: ReadonlySet<string> = new Set(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS']);

function kindOf({ missing, denied, exitCode, signal, stderr, timedOut }: ProgramResult): NftErrorKind {
  if (timedOut !== undefined) {
    return 'timed-out';
  }
  // 127 is the dynamic linker's: a library of nft is missing.
  if (missing || exitCode === 127) {
    return 'not-found';
  }
  if (denied) {
    return 'no-permission';
  }
  if (signal !== undefined) {
    return signalsOfCrashes.has(signal) ? 'crashed' : 'interrupted';
  }
  // Not the lines that quote the transaction, and not warnings.
  const complaint = /^(?:\S+ )?Error: (.*)$/m.exec(stderr)?.[1];
  const kind = phrases.find(([, phrase]) => phrase.test(complaint ?? stderr))?.[0];
  if (kind === 'no-such-file') {
    return isUnknownToKernel(stderr) ? 'kernel-too-old' : kind;
  }
  // What neither the kernel nor the C library says comes from nft's parser or evaluator.
  return kind ?? (complaint === undefined ? 'refused' : 'syntax');
}

/**
 * The first match decides. Most are texts of strerror. nft's own messages may quote the names of chains, but names have no
 * blanks, so none can look like one of these.
 */
const phrases: readonly (readonly [NftErrorKind, RegExp])[] = [
  ['crashed', /: Assertion `.*' failed/],
  ['no-permission', /Operation not permitted|Permission denied/],
  ['message-too-long', /Message too long/],
  ['no-buffer-space', /No buffer space available/],
  ['out-of-memory', /Cannot allocate memory|Memory allocation failure|memory exhausted|out of (?:dynamic )?memory/],
  ['out-of-memory', /^spawn (?:\S+ )?ENOMEM$/],
  ['interrupted', /Interrupted system call/],
  ['busy', /Device or resource busy|Resource temporarily unavailable|^spawn (?:\S+ )?E(?:AGAIN|MFILE|NFILE)$/],
  ['kernel-too-old', /(?:Operation|Protocol) not supported|Address family not supported by protocol/],
  ['kernel-too-old', /kernel support is missing|cache initialization failed: Invalid argument/],
  ['file-exists', /File exists|already exists/],
  ['no-such-file', /No such file or directory/],
  ['nft-too-old', /unrecognized option|invalid option/],
  ['refused', /^Could not process rule: |^cache initialization failed: /],
];

/**
 * A kernel without the module of an expression or chain type also says "No such file". nft then underlines the expression
 * (sometimes from the dot before it) or the type; otherwise it underlines a name or an element.
 */
function isUnknownToKernel(stderr: string): boolean {
  const lines = stderr.split('\n', linesKept);
  const underline = lines.findIndex((line) => markOf(line) !== undefined);
  const quoted = lines[underline - 1] ?? '';
  const start = markOf(lines[underline]) ?? 0;
  const end = (lines[underline]?.lastIndexOf('^') ?? 0) + 1;
  return (
    /^(?:\. )?(?:ct|dnat|fib|masquerade|numgen|reject)(?: |$)/.test(quoted.slice(start, end)) ||
    (quoted.slice(start, end) === 'nat' && quoted.slice(0, start).endsWith('type '))
  );
}

/** Three errors: each is a message, the line it is about, and its underlined part. */
const linesKept = 9;
const widthKept = 160;

function linesOf({ missing, denied, exitCode, signal, stderr, timedOut }: ProgramResult): string[] {
  if (missing) {
    return ['nft is not installed'];
  }
  if (denied) {
    return ['nft is not executable'];
  }
  const lines = stderr.split('\n', linesKept).filter((line) => line.trim() !== '');
  const quoted = lines.map((line, index) => cutLine(line, markOf(line) ?? markOf(lines[index + 1]) ?? 0));
  if (timedOut !== undefined) {
    return [`nft did not finish in ${timedOut / 1_000} s`, ...quoted];
  }
  if (signal !== undefined) {
    return [`ended by ${signal}`, ...quoted];
  }
  return quoted.length > 0 ? quoted : [`exit code ${exitCode ?? 'unknown'}`];
}

/** Where an underline begins; undefined when the line is not an underline. */
function markOf(line: string | undefined): number | undefined {
  const mark = line?.indexOf('^') ?? -1;
  return mark >= 0 && /^[\s^~]+$/.test(line ?? '') ? mark : undefined;
}

/** A tab becomes one blank, in the underline as in the line above it, so that they stay aligned. */
function cutLine(line: string, mark: number): string {
  const from = mark > widthKept / 2 ? mark - widthKept / 4 : 0;
  const part = escapeControls(line.slice(from, from + widthKept).replaceAll('\t', ' '));
  return `${from > 0 ? '…' : ''}${part}${line.length > from + widthKept ? '…' : ''}`;
}
