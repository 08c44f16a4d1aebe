import type { EndpointLocation } from '../../frontends/endpoints.ts';
import { escapeControls } from '../../lib/text.ts';
import { endpointText } from '../../net/network.ts';
import type { ExplainedStep, Explanation, RuleReference } from './explanation.ts';

interface ExplanationFormat {
  readonly color: boolean;
  /** How many endpoints of each list are written; the others are counted. */
  readonly limit: number;
}

/**
 * An explanation as lines: the packet, each decision with its rules, and the conclusion. Control characters are
 * escaped.
 */
export function renderExplanation(explanation: Explanation, { color, limit }: ExplanationFormat): string[] {
  const bold = (text: string): string => (color ? `\u001b[1m${text}\u001b[0m` : text);
  const faint = (text: string): string => (color ? `\u001b[2m${text}\u001b[0m` : text);
  const steps = explanation.steps.flatMap((step) => [
    ...renderStep(step, faint),
    ...(step.topic === 'endpoints' ? renderPossible(explanation, limit) : []),
  ]);
  const lines = [bold(escapeControls(headline(explanation))), '', ...steps, ...renderLeftOut(explanation, limit)];
  return [...lines, ...renderUnknown(explanation), '', bold(escapeControls(conclusion(explanation)))];
}

const width = 15;

function row(head: string, text: string): string {
  return `  ${head.padEnd(width)}${escapeControls(text)}`;
}

function headline({ packet, node }: Explanation): string {
  const { source, destination, port, protocol } = packet;
  return `${protocol} from ${source} to ${endpointText({ address: destination, port })}${node === '' ? '' : ` on ${node}`}`;
}

function conclusion(explanation: Explanation): string {
  const end = fateText(explanation);
  return explanation.notUnderstood.length === 0
    ? `=> ${end}`
    : `=> not certain; without the rules that were not understood: ${end}`;
}

function fateText({ verdict, reason, masqueraded, service }: Explanation): string {
  switch (verdict) {
    case 'translated':
      return `${reason.text}${masqueraded === true ? ', masqueraded' : ''}${masqueraded === 'mixed' ? ', masqueraded to some of them' : ''}`;
    case 'untouched':
      return `untouched: no rule translates it (${reason.code})`;
    case 'rejected':
    case 'dropped':
      return `${verdict}${service ? `: ${service.name}` : ''} (${reason.code})`;
    case 'mixed':
      return `${reason.text} (${reason.code})`;
  }
}

/** Rules are counted from 1. */
function renderUnknown({ notUnderstood }: Explanation): string[] {
  const lines = notUnderstood.slice(0, unknownShown).map(({ chain, rule }) => `chain ${chain}, rule ${rule + 1}`);
  const more = andMore(notUnderstood.length, unknownShown, 'rules');
  return [...lines, ...more].map((line, index) => row(index === 0 ? 'not understood' : '', line));
}

const unknownShown = 5;

function renderStep({ topic, text, rules }: ExplainedStep, faint: (text: string) => string): string[] {
  return [row(topic, text), ...rules.flatMap(renderRuleReference).map((line) => faint(row('', line)))];
}

function renderRuleReference({ chain, nft, element }: RuleReference): string[] {
  return [`chain ${chain}: ${shorten(nft)}`, ...(element === undefined ? [] : [`  ${shorten(element)}`])];
}

/** Before nft 1.1.3, affinity over IPv6 has a rule that names all its chains. */
function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)} ...` : text;
}

function renderPossible({ endpoints }: Explanation, limit: number): string[] {
  const rows = endpoints
    .slice(0, limit)
    .map((one) => [percent(one.probability), ...placeCells(one), one.masqueraded === true ? 'masqueraded' : '']);
  return [...alignColumns(rows), ...andMore(endpoints.length, limit, 'endpoints')].map((line) => row('', line));
}

function renderLeftOut({ leftOut }: Explanation, limit: number): string[] {
  const rows = leftOut.slice(0, limit).map((one) => [...placeCells(one), one.reason]);
  const lines = [...alignColumns(rows), ...andMore(leftOut.length, limit, 'left out')];
  return lines.map((line, index) => row(index === 0 ? 'left out' : '', line));
}

function placeCells({ endpoint, pod, node, zone }: EndpointLocation): string[] {
  return [endpoint, pod, node, zone];
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const short = rows.map((cells) =>
    cells.map((cell) => (cell.length > cellWidth ? `${cell.slice(0, cellWidth)}...` : cell)),
  );
  const columns = short[0]?.map((_, column) => Math.max(...short.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return short.map((cells) =>
    cells
      .flatMap((cell, column) => (columns[column] ? [cell.padEnd(columns[column] ?? 0)] : []))
      .join('  ')
      .trimEnd(),
  );
}

/** Limits how far one long name can push the other columns aside. */
const cellWidth = 80;

function andMore(total: number, limit: number, noun: string): string[] {
  return total > limit ? [`... and ${(total - limit).toLocaleString('en')} more ${noun}`] : [];
}

/** `33.3%`, `100%`. */
function percent(probability: number): string {
  return `${Number((probability * 100).toPrecision(3))}%`;
}
