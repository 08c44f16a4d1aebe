import { countOf, escapeControls, listSome } from '../lib/text.ts';
import { readAnswerLine } from './answer-ports.ts';
import type { ProbeResult } from './lab-probe.ts';
import type { Expectation } from './read-expectations.ts';

/** What was found out about an expectation. */
export interface Findings {
  readonly results: readonly ProbeResult[];
  /** The names of those who may answer, as answers have them. */
  readonly names: readonly string[];
  /** The addresses of the client. */
  readonly clientAddresses: readonly string[];
}

/** Whether an expectation is met, and what was found, in words. */
interface ExpectationJudgment {
  readonly isMet: boolean;
  readonly found: string;
}

/** Judges by all tries: one that is different is enough to fail. */
export function judgeExpectation(expectation: Expectation, findings: Findings): ExpectationJudgment {
  const different = findings.results.find(({ result }) => result !== expectation.result);
  if (different) {
    const count = findings.results.filter(({ result }) => result === different.result).length;
    const often = expectation.times > 1 ? ` ${count} of ${expectation.times} times` : '';
    const reason = different.result === 'failed' ? `: ${different.reason}` : answererOf(different);
    return {
      isMet: false,
      found: `expected ${wordsOf(expectation.result)}, ${wordsOf(different.result)}${often}${reason}`,
    };
  }
  if (expectation.result !== 'answered') {
    return { isMet: true, found: expectation.result };
  }
  return expectation.request.kind === 'dns' ? judgeRecords(expectation, findings) : judgeAnswers(expectation, findings);
}

function wordsOf(result: ProbeResult['result']): string {
  return result === 'answered' ? 'an answer' : result;
}

function answererOf(result: ProbeResult): string {
  const answer = result.result === 'answered' ? readAnswerLine(result.texts[0] ?? '') : undefined;
  return answer ? ` of ${answer.name}` : '';
}

function judgeRecords({ records }: Expectation, { results }: Findings): ExpectationJudgment {
  const found = results.map((result) => (result.result === 'answered' ? result.texts : []));
  const different = records && found.find((texts) => texts.join('\n') !== records.join('\n'));
  const shown = listSome((different ?? found[0] ?? []).map(escapeControls), 8);
  return different
    ? { isMet: false, found: `expected ${listSome(records.map(escapeControls), 8)}, found ${shown}` }
    : { isMet: true, found: shown };
}

function judgeAnswers({ answeredBy, all, seenFrom, times }: Expectation, findings: Findings): ExpectationJudgment {
  const { results, names, clientAddresses } = findings;
  const answers = results.flatMap((result) =>
    result.result === 'answered' ? (readAnswerLine(result.texts[0] ?? '') ?? []) : [],
  );
  if (answers.length < results.length) {
    return { isMet: false, found: 'an answer is not that of a lab' };
  }
  const answerers = [...new Set(answers.map(({ name }) => name))].sort();
  const found = `answered by ${listSome(answerers, 8)}${times > 1 ? ` (${countOf(times, 'time')})` : ''}`;
  const stranger = answeredBy.length > 0 ? answerers.find((name) => !names.includes(name)) : undefined;
  if (stranger !== undefined) {
    return { isMet: false, found: `expected an answer of ${listSome(answeredBy, 4)}, ${found}` };
  }
  const silent = all ? names.filter((name) => !answerers.includes(name)) : [];
  if (silent.length > 0) {
    return { isMet: false, found: `${found}, but never by ${listSome(silent, 8)}` };
  }
  const wanted = seenFrom === 'client' ? clientAddresses : [seenFrom];
  const other = seenFrom === undefined ? undefined : answers.find(({ client }) => !wanted.includes(addressIn(client)));
  if (other) {
    return {
      isMet: false,
      found: `expected to be seen from ${listSome(wanted.map(String), 2)}, ${other.name} saw ${addressIn(other.client)}`,
    };
  }
  return { isMet: true, found };
}

/** Of `10.244.1.5:40122` or `[fd00::5]:40122`. */
function addressIn(place: string): string {
  return place.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}
