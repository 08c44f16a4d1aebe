import { constants, isAscii, isUtf8 } from 'node:buffer';
import { type Diagnostic, diagnosticInFile } from '../../diagnostics/diagnostic.ts';
import type { InputText, Position } from '../../diagnostics/document.ts';

/**
 * The text of a file, without its byte order mark, or a diagnostic if it is not UTF-8 or has a NUL, which Kubernetes
 * manifests cannot have.
 */
export function decodeText({ file, content }: InputText): string | Diagnostic {
  const bytes = withoutMark(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    const megabytes = Math.floor(constants.MAX_STRING_LENGTH / 2 ** 20);
    return diagnosticInFile('file-unreadable', `the file is larger than ${megabytes} MiB; split it`, file);
  }
  if (bytes.includes(0) || !isUtf8(bytes)) {
    return notText(bytes, file);
  }
  // One byte per character: UTF-8 decoding would be slower.
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function notText(bytes: Buffer, file: string): Diagnostic {
  if (isUtf16(bytes)) {
    return diagnosticInFile('not-text', 'the file is UTF-16; save it as UTF-8', file);
  }
  // Bytes that are not UTF-8 become U+FFFD. If the text itself has one before them, the position is only approximate.
  const text = bytes.subarray(0, constants.MAX_STRING_LENGTH).toString('utf8');
  if (isBinary(text)) {
    const message = 'the file is binary, not text; manifests are UTF-8 text in YAML or JSON';
    return diagnosticInFile('not-text', message, file);
  }
  const offset = Math.max(0, text.search(/[\0\ufffd]/));
  const what = text[offset] === '\0' ? 'a NUL byte' : 'bytes that are not UTF-8';
  const message = `not a text file: it has ${what} here; manifests are UTF-8 text in YAML or JSON`;
  return diagnosticInFile('not-text', message, file, positionAt(text, findLineStarts(text), offset));
}

/** How much of a file shows what it is. In bytes, or UTF-16 units of its text. */
const sampled = 512;

/** Whether bytes begin with a mark of UTF-16. Without one, whether every second byte is NUL and the others are characters. */
function isUtf16(bytes: Buffer): boolean {
  const isMarked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const sample = bytes.subarray(0, sampled);
  const hasNulAt = (parity: 0 | 1): boolean =>
    sample.every((byte, index) => (index % 2 === parity ? byte === 0 : !isControl(byte)));
  return isMarked || (sample.length >= 4 && (hasNulAt(0) || hasNulAt(1)));
}

/** Whether bytes that are not text, decoded as such, have no lines to show. Text in another encoding has no control characters. */
function isBinary(text: string): boolean {
  const codes = [...text.slice(0, sampled)].map((character) => character.charCodeAt(0));
  return codes.some(isControl) && codes.filter((code) => isControl(code) || code === 0xfffd).length > codes.length / 5;
}

/** Those that text never has: below the tab. */
function isControl(code: number): boolean {
  return code < 9;
}

/**
 * The position of an offset in `text`; an offset beyond the end is the end.
 *
 * @param lineStarts from {@link findLineStarts} of the same text.
 */
export function positionAt(text: string, lineStarts: readonly number[], offset: number): Position {
  const place = Math.min(offset, text.length);
  const line = lastAtMost(lineStarts, place);
  const start = lineStarts[line] ?? 0;
  const end = lineStarts[line + 1] ?? text.length + 1;
  const lineText = text.slice(start, end - 1);
  return {
    line: line + 1,
    column: place - start + 1,
    lineText: lineText.endsWith('\r') ? lineText.slice(0, -1) : lineText,
  };
}

/** The offsets at which lines begin; a line ends with a line feed. */
export function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let feed = text.indexOf('\n'); feed >= 0; feed = text.indexOf('\n', feed + 1)) {
    starts.push(feed + 1);
  }
  return starts;
}

/** The index of the last of the sorted `numbers` that is at most `limit`; the first one always is. */
function lastAtMost(numbers: readonly number[], limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] ?? 0) <= limit) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}
