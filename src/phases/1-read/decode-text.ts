import { constants, isAscii, isUtf8 } from 'node:buffer';
import { type Diagnostic, diagnosticInFile } from '../../diagnostics.ts';
import type { InputText } from './document.ts';
import { findLineStarts, positionAt } from './position-at.ts';

/**
 * The text of a file, without its byte order mark, or the diagnostic that says why it is none: Kubernetes manifests
 * are UTF-8 and hold no NUL.
 */
export function decodeText({ file, content }: InputText): string | Diagnostic {
  const bytes = withoutMark(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    const megabytes = Math.floor(constants.MAX_STRING_LENGTH / 2 ** 20);
    return diagnosticInFile('file-unreadable', `the file is larger than ${megabytes} MiB; give it in parts`, file);
  }
  if (bytes.includes(0) || !isUtf8(bytes)) {
    return notText(bytes, file);
  }
  // One byte a character; as UTF-8 the same text would take the engine's slower path.
  return bytes.toString(isAscii(bytes) ? 'latin1' : 'utf8');
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function notText(bytes: Buffer, file: string): Diagnostic {
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) {
    return diagnosticInFile('not-text', 'the file is UTF-16; save it as UTF-8', file);
  }
  // Bytes that are no UTF-8 become U+FFFD. One that was in the text all along is possible, and close enough.
  const text = bytes.subarray(0, constants.MAX_STRING_LENGTH).toString('utf8');
  const offset = Math.max(0, text.search(/[\0\ufffd]/));
  const what = text[offset] === '\0' ? 'a NUL byte' : 'bytes that are no UTF-8';
  const message = `the file is no text, it has ${what} here; manifests are UTF-8 text in YAML or JSON`;
  return diagnosticInFile('not-text', message, file, positionAt(text, findLineStarts(text), offset));
}
