import { escapeControls } from '../../lib/text.ts';
import type { DoctorFinding, FindingStatus } from './finding.ts';

/** From worst to best. */
const statuses: readonly FindingStatus[] = ['problem', 'warning', 'note', 'ok'];

/** The width of the longest status and two spaces. */
const margin = 9;

const colors: Readonly<Record<FindingStatus, string>> = { problem: '31', warning: '33', note: '36', ok: '32' };

/** How many findings there are of each status. */
export function countFindings(findings: readonly DoctorFinding[]): Readonly<Record<FindingStatus, number>> {
  const count = (one: FindingStatus): number => findings.filter(({ status }) => status === one).length;
  return { problem: count('problem'), warning: count('warning'), note: count('note'), ok: count('ok') };
}

interface FindingsFormat {
  readonly color: boolean;
  /** The path of the documentation on this machine. */
  readonly page: string;
}

/** The findings as lines: one for each, with advice and link below it, and counts at the end. */
export function renderFindings(findings: readonly DoctorFinding[], options: FindingsFormat): string[] {
  const counts = countFindings(findings);
  const summary = statuses
    .filter((status) => counts[status] > 0)
    .map((status) => describeCount(status, counts[status]));
  return [...findings.flatMap((finding) => renderFinding(finding, options)), summary.join(', ')];
}

function renderFinding({ code, status, what, advice }: DoctorFinding, { color, page }: FindingsFormat): string[] {
  const word = color ? `\u001b[${colors[status]}m${status}\u001b[0m` : status;
  const head = `${word}${' '.repeat(margin - status.length)}${code}: ${escapeControls(what)}`;
  const more = advice === undefined ? [] : [advice, `See ${escapeControls(page)}#${code}`];
  return [head, ...more.map((line) => ' '.repeat(margin) + line)];
}

function describeCount(status: FindingStatus, count: number): string {
  return `${count} ${status}${status === 'ok' || count === 1 ? '' : 's'}`;
}
