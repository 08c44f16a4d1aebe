import type { EndpointLocation } from '../../frontends/endpoints.ts';
import { escapeControls, wrapText } from '../../lib/text.ts';
import { endpointText } from '../../net/network.ts';
import { frontendKindText } from '../../phases/5-plan/names.ts';
import type {
  Answer,
  ExplainedStep,
  Explanation,
  LeftOutEndpoint,
  PossibleEndpoint,
  RuleReference,
} from './explanation.ts';
import { hintText, severityOfVerdict, verdictWord } from './headline.ts';

/** How an answer is written. */
export interface AnswerFormat {
  readonly color: boolean;
  /** How many endpoints of each list are written; the others are counted. */
  readonly limit: number;
  /** Columns; lines break between words. */
  readonly width: number;
  /** Whether the first line stays in one piece, for programs that read it. */
  readonly keepsHeadline: boolean;
  /** Whether the rules of all decisions are written, not only that of the decisive one. */
  readonly allRules: boolean;
}

/**
 * An answer as lines: verdict and reason, for a Service the verdict of each frontend, then the decisions about the packet.
 * Control characters are escaped.
 */
export function renderAnswer(answer: Answer, format: AnswerFormat): string[] {
  const headline = format.keepsHeadline ? [answer.headline] : wrapText(answer.headline, format.width);
  return [
    ...headline.map((line) => paintHeadline(line, answer, format)),
    ...renderSummary(answer, format),
    ...renderPacket(answer, format),
    ...answer.steps.flatMap((step) => renderStep(step, answer, format)),
    ...renderLeftOut(answer, format),
    ...renderUnknown(answer, format),
  ];
}

const styles = { good: '1;32', bad: '1;31', neutral: '1', faint: '2' } as const;

function paint(text: string, style: keyof typeof styles, { color }: AnswerFormat): string {
  return color ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
}

function styleOf(explanation: Pick<Explanation, 'verdict' | 'reason'>): keyof typeof styles {
  const severity = severityOfVerdict(explanation);
  if (severity > 0) {
    return 'bad';
  }
  return explanation.verdict === 'translated' ? 'good' : 'neutral';
}

function paintHeadline(line: string, answer: Answer, format: AnswerFormat): string {
  return paint(escapeControls(line), styleOf(answer), format);
}

/** How many frontends are listed. */
const frontendsShown = 24;

/** The verdicts of all frontends of a Service, the worst first. */
function renderSummary({ summary, frontends }: Answer, format: AnswerFormat): string[] {
  if (summary === null) {
    return [];
  }
  const shown = frontends.slice(0, frontendsShown);
  const rows = alignColumns(shown.map((one) => [verdictWord(one), addressOf(one), kindOf(one)]));
  const lines = shown.flatMap((one, index) => {
    const row = `  ${rows[index] ?? ''}`;
    const reason = reasonOf(one);
    const isRepeated = index > 0 && reason === reasonOf(shown[index - 1] ?? one);
    const text = isRepeated ? [] : indent(reason, 6, format.width);
    return [paint(escapeControls(row), styleOf(one), format), ...text];
  });
  const more = andMore(frontends.length, frontendsShown, 'frontends').map((line) => `  ${line}`);
  return [...wrapText(escapeControls(summary), format.width), '', ...lines, ...more];
}

function reasonOf({ reason }: Explanation): string {
  return `${reason.text.replace(/^sent /, '')}${hintText(reason)}`;
}

function addressOf({ packet }: Explanation): string {
  return packet ? `${endpointText({ address: packet.destination, port: packet.port })}/${packet.protocol}` : '';
}

function kindOf({ service, asked }: Explanation): string {
  const type = asked?.type || service?.type;
  return type ? frontendKindText(type) : '';
}

function indent(text: string, columns: number, width: number): string[] {
  return wrapText(escapeControls(text), width - columns).map((line) => `${' '.repeat(columns)}${line}`);
}

function renderPacket({ packet, node }: Answer, format: AnswerFormat): string[] {
  if (!packet) {
    return [];
  }
  const { source, destination, port, protocol } = packet;
  const to = endpointText({ address: destination, port });
  const text = `${protocol} from ${source} to ${to}${node === '' ? '' : ` on ${node}`}`;
  return ['', ...wrapText(escapeControls(text), format.width), ''];
}

/** Columns of the words at the beginning of a line. */
const head = 15;

/** A line with a word before it; it is broken between words. */
function row(word: string, text: string, width: number): string[] {
  const lines = wrapText(escapeControls(text), width - head - 2);
  return lines.map((line, index) => `  ${(index === 0 ? word : '').padEnd(head)}${line}`.trimEnd());
}

/** The decisions whose rules are written unless all are asked for: the ones that end the packet's way. */
const decisive: ReadonlySet<ExplainedStep['topic']> = new Set(['endpoints', 'refusal', 'no rule']);

function renderStep({ topic, text, rules }: ExplainedStep, answer: Answer, format: AnswerFormat): string[] {
  const { width } = format;
  const isKnown = text === answer.reason.text;
  const shown = format.allRules || decisive.has(topic) ? rules : [];
  const lines = shown.flatMap(renderRuleReference);
  // The first line of the output has said it.
  if (isKnown) {
    return lines.flatMap((line, index) => faintRow(index === 0 ? 'rule' : '', line, format));
  }
  return [
    ...row(topic, text, width),
    ...lines.flatMap((line) => faintRow('', line, format)),
    ...(topic === 'endpoints' ? renderPossible(answer, format) : []),
  ];
}

function faintRow(word: string, line: string, format: AnswerFormat): string[] {
  return row(word, line, format.width).map((one) => paint(one, 'faint', format));
}

/** A rule of iptables names its chain itself; the end of it is the most important part. */
function renderRuleReference({ chain, nft, element }: RuleReference): string[] {
  if (isLine(nft)) {
    return [`${tableOf(chain)}: ${shorten(nft, 500)}`];
  }
  return [`chain ${chain}: ${shorten(nft)}`, ...(element === undefined ? [] : [shorten(element)])];
}

/** Whether a rule is one of iptables, `-A FORWARD -j DROP`, or `-P FORWARD DROP`. */
function isLine(text: string): boolean {
  return /^-[AP] /.test(text);
}

/** `table nat` of a chain in rules of iptables, `nat KUBE-SERVICES`. */
function tableOf(chain: string): string {
  return `table ${chain.replace(/ [^ ]*$/, '')}`;
}

/** Before nft 1.1.3, affinity over IPv6 has a rule that names all its chains. */
function shorten(text: string, longest = 200): string {
  return text.length > longest ? `${text.slice(0, longest)} ...` : text;
}

function renderPossible({ endpoints, reason }: Answer, { limit, width }: AnswerFormat): string[] {
  const isMixed = endpoints.some(({ masqueraded }) => masqueraded !== endpoints[0]?.masqueraded);
  // The first line of the output may have said it of all endpoints.
  const isSaid = ({ hint }: PossibleEndpoint): boolean =>
    hint !== undefined && (reason.hint?.includes(hint.replace('its pod does ', '')) ?? false);
  const areAllSaid = endpoints.every(isSaid);
  const rows = endpoints.slice(0, limit).map((one) => {
    const source = isMixed && one.masqueraded === true ? 'masqueraded' : '';
    return [percent(one.probability), ...placeCells(one), source, areAllSaid ? '' : (one.hint ?? '')];
  });
  const lines = [...alignColumns(rows), ...andMore(endpoints.length, limit, 'endpoints')];
  return lines.flatMap((line) => tableRow('', line, width));
}

/** Endpoints that could serve, if the packet came to them, are apart from those that could not. */
function renderLeftOut({ leftOut }: Answer, format: AnswerFormat): string[] {
  const isReady = ({ ready }: LeftOutEndpoint): boolean => ready;
  const others = leftOut.filter((one) => !isReady(one));
  const ready = leftOut.filter(isReady);
  const heading = ready.length > 0 ? ['  ready, but not reached'] : [];
  return [...heading, ...renderLeftOutGroup('', ready, format), ...renderLeftOutGroup('left out', others, format)];
}

/** The reason is on a line of its own where the columns leave no room for it. */
function renderLeftOutGroup(
  word: string,
  leftOut: readonly LeftOutEndpoint[],
  { limit, width }: AnswerFormat,
): string[] {
  const shown = leftOut.slice(0, limit);
  const places = alignColumns(shown.map(placeCells));
  const widest = Math.max(0, ...places.map((place) => place.length));
  const fits = shown.every(({ reason }) => head + 2 + widest + 2 + reason.length <= width);
  const lines = shown.flatMap(({ reason }, index) => {
    const place = places[index] ?? '';
    return fits ? [`${place.padEnd(widest)}  ${reason}`] : [place, `  ${reason}`];
  });
  const all = [...lines, ...andMore(leftOut.length, limit, 'left out')];
  return all.flatMap((line, index) => tableRow(index === 0 ? word : '', line, width));
}

/** A line of aligned columns, which is broken only if it is too long; then all but a whole row keeps its indentation. */
function tableRow(word: string, line: string, width: number): string[] {
  const text = escapeControls(line);
  if (text.length <= width - head - 2) {
    return [`  ${word.padEnd(head)}${text}`];
  }
  const indentation = ' '.repeat(text.length - text.trimStart().length);
  const hanging = indentation || '  ';
  const parts = wrapText(text.trimStart(), width - head - 2 - hanging.length);
  return parts.map((part, index) =>
    `  ${(index === 0 ? word : '').padEnd(head)}${index === 0 ? indentation : hanging}${part}`.trimEnd(),
  );
}

/** Rules are counted from 1. */
function renderUnknown({ notUnderstood }: Answer, { width }: AnswerFormat): string[] {
  const lines = notUnderstood
    .slice(0, unknownShown)
    .map(({ chain, rule, line }) =>
      line === undefined ? `chain ${chain}, rule ${rule + 1}` : `${tableOf(chain)}: ${shorten(line, 500)}`,
    );
  const more = andMore(notUnderstood.length, unknownShown, 'rules');
  return [...lines, ...more].flatMap((line, index) => row(index === 0 ? 'not understood' : '', line, width));
}

const unknownShown = 5;

function placeCells({ endpoint, pod, node, zone }: EndpointLocation): string[] {
  return [endpoint === '' ? 'no endpoint' : endpoint, pod, node, zone];
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
