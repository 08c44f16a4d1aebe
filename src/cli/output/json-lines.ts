import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import { type DiagnosticData, describeDiagnostic } from '../../diagnostics/format-diagnostic.ts';
import type { Context } from '../context.ts';

/** A message on stderr: a diagnostic, or any other line, which has no code, object or place. */
type Line = Omit<DiagnosticData, 'severity' | 'code'> & {
  readonly severity: DiagnosticData['severity'] | 'note';
  readonly code: DiagnosticData['code'] | null;
};

/** A diagnostic as one line of JSON, for `--diagnostics json`. */
export function diagnosticLine(diagnostic: Diagnostic): string {
  return lineOf(describeDiagnostic(diagnostic));
}

/**
 * A stderr on which every message becomes a line of JSON, for `--diagnostics json`. Lines that do not begin with `error: `,
 * `warning: ` or `note: ` continue the message above that is written together with them; alone they are notes. Lines that
 * are JSON already pass.
 */
export function jsonLines(stderr: Context['stderr']): Context['stderr'] {
  return {
    write: (text) => {
      const lines = text.startsWith('{"severity":') ? [text] : messagesIn(text).map(lineOf);
      return lines.every((line) => stderr.write(line));
    },
  };
}

const nowhere = { object: null, file: null, line: null, column: null } as const;

function messagesIn(text: string): Line[] {
  const messages: Line[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, severity, message] = /^(error|warning|note): (.*)$/.exec(line) ?? [];
    const last = messages.at(-1);
    if (isSeverity(severity) && message !== undefined) {
      messages.push({ severity, code: null, message, ...nowhere });
    } else if (last) {
      messages[messages.length - 1] = { ...last, message: `${last.message}\n${line.trim()}` };
    } else {
      messages.push({ severity: 'note', code: null, message: line, ...nowhere });
    }
  }
  return messages;
}

function isSeverity(word: string | undefined): word is Line['severity'] {
  return word === 'error' || word === 'warning' || word === 'note';
}

/** One line. What could control a terminal is escaped, as text output does, but in the way of JSON. */
function lineOf(line: Line): string {
  const text = JSON.stringify(line).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
  return `${text}\n`;
}
