import { escapeControls } from '../../lib/text.ts';
import type { Explanation, ReasonCode } from './explanation.ts';

/** What happens to the packet, as one word or a few. */
export type VerdictWord =
  | 'SENT'
  | 'REFUSED'
  | 'DROPPED'
  | 'PARTLY REFUSED'
  | 'RANDOM'
  | 'DIRECT'
  | 'DNS ONLY'
  | 'NOT A SERVICE ADDRESS'
  | 'NOT TRANSLATED'
  | 'WRONG SERVICE';

/** What a headline is made from. */
export type Verdict = Pick<
  Explanation,
  'packet' | 'verdict' | 'rejectedWith' | 'reason' | 'masqueraded' | 'notUnderstood'
>;

/** The word for an explanation; docs/commands.md lists all of them. */
export function verdictWord({ verdict, reason }: Pick<Verdict, 'verdict' | 'reason'>): VerdictWord {
  switch (verdict) {
    case 'translated':
      return reason.code === 'other-service' ? 'WRONG SERVICE' : 'SENT';
    case 'rejected':
      return 'REFUSED';
    case 'dropped':
      return 'DROPPED';
    case 'mixed':
      return reason.code === 'refused-endpoint' ? 'PARTLY REFUSED' : 'RANDOM';
    case 'untouched':
      return untouchedWords.get(reason.code) ?? 'NOT TRANSLATED';
  }
}

const untouchedWords: ReadonlyMap<ReasonCode, VerdictWord> = new Map([
  ['no-service', 'NOT A SERVICE ADDRESS'],
  ['endpoint-itself', 'DIRECT'],
  ['localhost-node-port', 'DIRECT'],
  ['headless', 'DNS ONLY'],
  ['external-name', 'DNS ONLY'],
]);

/** What the client notices, in parentheses behind the word. */
function consequence(word: VerdictWord, { rejectedWith, packet }: Verdict): string {
  switch (word) {
    case 'REFUSED':
      return ` (the client gets ${refusalText(rejectedWith, packet?.protocol === 'tcp')})`;
    case 'DROPPED':
      return ' (the client times out)';
    case 'NOT TRANSLATED':
      return ' (no rule applies)';
    case 'DIRECT':
    case 'DNS ONLY':
      return ' (no rule is involved)';
    default:
      return '';
  }
}

/** The kernel limits ICMP errors; TCP waits for one only in tables that an older version or another program wrote. */
function refusalText(rejectedWith: Explanation['rejectedWith'], isTcp: boolean): string {
  if (rejectedWith === 'tcp-reset') {
    return 'a TCP reset at once';
  }
  return isTcp ? 'an ICMP error, after a few attempts late' : 'an ICMP error';
}

/** `DROPPED (the client times out): ` and the reason, in one line without control characters. */
export function headlineOf(explained: Verdict, place = ''): string {
  const { reason, masqueraded, notUnderstood } = explained;
  const word = verdictWord(explained);
  const text =
    word === 'SENT'
      ? `${word}${place} ${reason.text.replace(/^sent /, '')}${masqueraded === false ? '' : sourceText(masqueraded)}`
      : `${word}${consequence(word, explained)}${place}: ${reason.text}`;
  const doubt = notUnderstood.length > 0 ? 'NOT CERTAIN (some rules are not understood): ' : '';
  return escapeControls(`${doubt}${text}${hintText(reason)}`);
}

/** `; its pod does not declare port 8080, but 9090 (http)`; empty without a hint. */
export function hintText({ hint }: Explanation['reason']): string {
  return hint === undefined ? '' : `; ${hint}`;
}

function sourceText(masqueraded: true | 'mixed'): string {
  return masqueraded === true ? ', masqueraded' : ', masqueraded to some of them';
}

/** How bad a verdict is for the client: the higher, the worse. */
export function severityOfVerdict(explained: Pick<Verdict, 'verdict' | 'reason'>): number {
  const order: readonly VerdictWord[] = ['SENT', 'DIRECT', 'DNS ONLY'];
  const worse: readonly VerdictWord[] = [
    'NOT A SERVICE ADDRESS',
    'NOT TRANSLATED',
    'WRONG SERVICE',
    'RANDOM',
    'PARTLY REFUSED',
    'REFUSED',
    'DROPPED',
  ];
  const word = verdictWord(explained);
  return order.includes(word) ? 0 : worse.indexOf(word) + 1;
}
