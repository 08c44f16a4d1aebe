import { describe, expect, test } from 'vitest';
import { answerLine } from '../../src/lab/answer-ports.ts';
import { judgeExpectation } from '../../src/lab/judge-expectation.ts';
import type { ProbeResult } from '../../src/lab/lab-probe.ts';
import type { Expectation } from '../../src/lab/read-expectations.ts';

const expectation: Expectation = {
  from: 'outside',
  to: 'http://web',
  request: { kind: 'http', host: 'web', port: 80, timeout: 1 },
  times: 2,
  result: 'answered',
  answeredBy: ['deployment/web'],
  all: false,
  seenFrom: undefined,
  records: undefined,
};

const answerOf = (name: string, client = '10.244.1.5:4000'): ProbeResult => ({
  result: 'answered',
  texts: [answerLine({ name, node: 'a', zone: '', client, server: '10.244.2.3:80', protocol: 'TCP' })],
});

function judge(change: Partial<Expectation>, results: readonly ProbeResult[]) {
  const names = ['shop/web-0', 'shop/web-1'];
  return judgeExpectation(
    { ...expectation, ...change },
    { results, names, clientAddresses: ['10.244.1.5', 'fd00::5'] },
  );
}

describe('an expectation', () => {
  test.each<[string, Partial<Expectation>, readonly ProbeResult[], boolean, string]>([
    [
      'is met by one that may answer',
      {},
      [answerOf('shop/web-0'), answerOf('shop/web-0')],
      true,
      'answered by shop/web-0 (2 times)',
    ],
    [
      'fails by another one',
      {},
      [answerOf('shop/web-0'), answerOf('x')],
      false,
      'expected an answer of deployment/web, answered by shop/web-0, x (2 times)',
    ],
    [
      'of all fails when one never answers',
      { all: true },
      [answerOf('shop/web-0'), answerOf('shop/web-0')],
      false,
      'answered by shop/web-0 (2 times), but never by shop/web-1',
    ],
    [
      'fails by one try',
      {},
      [answerOf('shop/web-0'), { result: 'refused' }],
      false,
      'expected an answer, refused 1 of 2 times',
    ],
    ['of a refusal is met', { result: 'refused' }, [{ result: 'refused' }], true, 'refused'],
    [
      'of a refusal fails by an answer',
      { result: 'refused', times: 1 },
      [answerOf('shop/web-1')],
      false,
      'expected refused, an answer of shop/web-1',
    ],
    [
      'of the source is met',
      { seenFrom: 'client' },
      [answerOf('shop/web-0', '[fd00::5]:1')],
      true,
      'answered by shop/web-0 (2 times)',
    ],
    [
      'of the source fails by another one',
      { seenFrom: '192.0.2.1' },
      [answerOf('shop/web-0')],
      false,
      'expected to be seen from 192.0.2.1, shop/web-0 saw 10.244.1.5',
    ],
    [
      'fails by something else that answers',
      {},
      [{ result: 'answered', texts: ['SSH-2.0'] }],
      false,
      'an answer is not that of a lab',
    ],
    [
      'fails by what cannot be tried',
      {},
      [{ result: 'failed', reason: 'no socket' }],
      false,
      'expected an answer, failed 1 of 2 times: no socket',
    ],
  ])('%s', (_, change, results, isMet, found) => {
    expect(judge(change, results)).toEqual({ isMet, found });
  });

  test('of DNS compares records', () => {
    const dns = {
      request: { kind: 'dns', host: 'web', type: 'A', timeout: 1 },
      records: ['10.0.0.1', '10.0.0.2'],
    } as const;
    expect(judge(dns, [{ result: 'answered', texts: ['10.0.0.1', '10.0.0.2'] }])).toEqual({
      isMet: true,
      found: '10.0.0.1, 10.0.0.2',
    });
    expect(judge(dns, [{ result: 'answered', texts: ['10.0.0.1'] }])).toEqual({
      isMet: false,
      found: 'expected 10.0.0.1, 10.0.0.2, found 10.0.0.1',
    });
  });
});
