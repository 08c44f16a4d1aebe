import { cutText, escapeControls } from '../lib/text.ts';
import { type Diagnostic, type DiagnosticCode, type ObjectReference, type Severity, severityOf } from './diagnostic.ts';
import type { Position } from './document.ts';

/** How many characters of a line are shown at most; a minified file is one line of megabytes. */
const mostShown = 100;

/** The indentation of an excerpt, and a mark at each of its ends. */
const aroundExcerpt = 4;

interface DiagnosticFormat {
  /** False by default. */
  readonly color?: boolean;
  /** Columns of the terminal, which the line of the input is cut to. The message is not broken. */
  readonly width?: number | undefined;
}

/**
 * A diagnostic as text: `file:line:column: severity code: object: message`, then, if there is a position, the line of the
 * input and a caret below the place. No line feed at the end. Control characters of the input are escaped, so that input
 * cannot control the terminal.
 *
 * @throws TypeError for what is not a diagnostic.
 */
export function formatDiagnostic(diagnostic: Diagnostic, { color = false, width }: DiagnosticFormat = {}): string {
  const paint = color ? paintAnsi : (text: string) => text;
  const severity = severityOf(diagnostic);
  const { position, place } = placeOf(diagnostic);
  const object = diagnostic.object ? `${describeObject(diagnostic.object)}: ` : '';
  const head = [
    place === '' ? '' : `${paint(`${place}:`, 'bold')} `,
    paint(severity, colors[severity]),
    ` ${diagnostic.code}: `,
    escapeControls(`${object}${diagnostic.message}`),
  ].join('');
  if (!position || position.lineText.trim() === '') {
    return head;
  }
  const { line, caret } = excerpt(position, width && width - aroundExcerpt);
  return `${head}\n  ${line}\n  ${paint(caret, 'red')}`;
}

/** A diagnostic as plain data for programs; what it does not have is null. Texts are those of the input, not escaped. */
export interface DiagnosticData {
  readonly severity: Severity;
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly object: ObjectReference | null;
  readonly file: string | null;
  /** Line and column are counted from 1, columns in UTF-16 units. */
  readonly line: number | null;
  readonly column: number | null;
}

/** A diagnostic as plain data, with the place that it is about. */
export function describeDiagnostic(diagnostic: Diagnostic): DiagnosticData {
  const { code, message, object, place } = diagnostic;
  const { position } = placeOf(diagnostic);
  return {
    severity: severityOf(diagnostic),
    code,
    message,
    object: object ?? null,
    file: place?.document.source.file ?? null,
    line: position?.line ?? null,
    column: position?.column ?? null,
  };
}

function placeOf({ place }: Diagnostic): { position: Position | undefined; place: string } {
  if (!place) {
    return { position: undefined, place: '' };
  }
  const { source, path } = place.document;
  const position = source.locate([...path, ...place.path]);
  const file = escapeControls(source.file);
  return { position, place: position ? `${file}:${position.line}:${position.column}` : file };
}

/** `Service shop/cart`; an invalid name is quoted, and its control characters are escaped. */
export function describeObject({ kind, namespace, name }: ObjectReference): string {
  const names = [namespace, name].filter((part) => part !== undefined).map(quoteUnusual);
  return `${quoteUnusual(kind)} ${names.join('/')}`.trimEnd();
}

function quoteUnusual(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(text)) {
    return text;
  }
  return escapeControls(JSON.stringify(cutText(text, 60)));
}

/** At most `room` characters of the line around the column, with control characters escaped, and the line of the caret. */
export function excerpt({ lineText, column }: Position, room: number = mostShown): { line: string; caret: string } {
  const at = column - 1;
  const shownWidth = Math.max(1, Math.min(room, mostShown));
  const isLong = lineText.length > shownWidth;
  const start = isLong ? Math.max(0, Math.min(at - Math.floor(shownWidth / 2), lineText.length - shownWidth)) : 0;
  const end = Math.min(lineText.length, start + shownWidth);
  const before = `${start > 0 ? '…' : ''}${escapeControls(lineText.slice(start, at))}`;
  const after = `${escapeControls(lineText.slice(at, end))}${end < lineText.length ? '…' : ''}`;
  return { line: before + after, caret: `${' '.repeat(before.length)}^` };
}

const ansiCodes = { bold: '1', red: '31', yellow: '33', cyan: '36' } as const;

const colors = { error: 'red', warning: 'yellow', note: 'cyan' } as const;

function paintAnsi(text: string, style: keyof typeof ansiCodes): string {
  return `\u001b[${ansiCodes[style]}m${text}\u001b[0m`;
}
