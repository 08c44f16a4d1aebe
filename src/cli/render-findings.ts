import type { Finding, FindingStatus } from '../doctor/finding.ts';
import { escapeControls } from '../escape-controls.ts';

/** From the worst on. */
const statuses: readonly FindingStatus[] = ['problem', 'warning', 'note', 'ok'];

/** A column for the longest status, and two blanks. */
const margin = 9;

const colours: Readonly<Record<FindingStatus, string>> = { problem: '31', warning: '33', note: '36', ok: '32' };

/** How many findings there are of each status. */
export function countFindings(findings: readonly Finding[]): Readonly<Record<FindingStatus, number>> {
  const count = (wanted: FindingStatus): number => findings.filter(({ status }) => status === wanted).length;
  return { problem: count('problem'), warning: count('warning'), note: count('note'), ok: count('ok') };
}

/** How findings are rendered. */
export interface RenderOptions {
  readonly colour: boolean;
  /** Where the page of the documentation is on this machine. */
  readonly page: string;
}

/** The findings for people: a line for each, with advice and link below it, and how many there are at the end. */
export function renderFindings(findings: readonly Finding[], options: RenderOptions): string {
  const counts = countFindings(findings);
  const summary = statuses
    .filter((status) => counts[status] > 0)
    .map((status) => describeCount(status, counts[status]));
  const lines = [...findings.flatMap((finding) => renderFinding(finding, options)), summary.join(', ')];
  return lines.map((line) => `${line}\n`).join('');
}

function renderFinding({ code, status, what, advice }: Finding, { colour, page }: RenderOptions): string[] {
  const word = colour ? `\u001b[${colours[status]}m${status}\u001b[0m` : status;
  const head = `${word}${' '.repeat(margin - status.length)}${code}: ${escapeControls(what)}`;
  const more = advice === undefined ? [] : [advice, `See ${escapeControls(page)}#${code}`];
  return [head, ...more.map((line) => ' '.repeat(margin) + line)];
}

function describeCount(status: FindingStatus, count: number): string {
  return `${count} ${status}${status === 'ok' || count === 1 ? '' : 's'}`;
}
