import { expect, test } from 'vitest';
import { answerLine, readAnswerLine } from '../../src/lab/answer-ports.ts';

const answer = {
  name: 'shop/cart-0',
  node: 'node-2',
  zone: 'zone-b',
  client: '10.244.1.5:40122',
  server: '[fd00::3]:8080',
  protocol: 'TCP',
} as const;

test.each([
  [answer, 'shop/cart-0 on node-2 in zone-b answers 10.244.1.5:40122 at [fd00::3]:8080 over TCP'],
  [{ ...answer, zone: '' }, 'shop/cart-0 on node-2 answers 10.244.1.5:40122 at [fd00::3]:8080 over TCP'],
  [
    { ...answer, name: '192.0.2.7', node: '', zone: '' },
    '192.0.2.7 answers 10.244.1.5:40122 at [fd00::3]:8080 over TCP',
  ],
])('an answer is a line, and a line is an answer: %j', (one, line) => {
  expect(answerLine(one)).toBe(line);
  expect(readAnswerLine(`${line}\n`)).toEqual(one);
});

test('other lines are no answers', () => {
  expect(readAnswerLine('HTTP/1.1 200 OK\n')).toBeUndefined();
});
