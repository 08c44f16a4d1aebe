import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../src/diagnostics/format-diagnostic.ts';
import { readExpectations } from '../../src/lab/read-expectations.ts';

function read(text: string) {
  const { expectations, diagnostics } = readExpectations({ file: 'e.yaml', content: Buffer.from(text) });
  return { expectations, messages: diagnostics.map((one) => formatDiagnostic(one)) };
}

describe('a file of expectations', () => {
  test.each([
    ['to: "http://web", all: true', 'all has no effect without answeredBy'],
    ['to: "http://web", records: [a]', 'records has no effect on http:'],
    ['to: "tcp://web:1", type: A', 'type has no effect on tcp:'],
    ['to: "dns:web", answeredBy: pod:a/b', 'answeredBy has no effect on dns:'],
    ['to: "http://web", seenFrom: client, result: refused', 'seenFrom has no effect if the result is refused'],
  ])('has no fields without an effect: %s', (fields, message) => {
    const { expectations, messages } = read(`expect: [{from: outside, ${fields}}]`);
    expect(expectations).toEqual([]);
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(`expect[0].${message}`);
  });

  test('has a list with defaults', () => {
    expect(read('expect:\n- {from: outside, to: "http://web.shop"}\n')).toEqual({
      messages: [],
      expectations: [
        {
          from: 'outside',
          to: 'http://web.shop',
          request: { kind: 'http', host: 'web.shop', port: 80, timeout: 3_000 },
          times: 1,
          result: 'answered',
          answeredBy: [],
          all: false,
          seenFrom: undefined,
          records: undefined,
        },
      ],
    });
  });

  test.each([
    ['http://web:8080/a?b', { kind: 'http', host: 'web', port: 8080, path: '/a?b' }],
    ['tcp://10.96.0.5:6379', { kind: 'tcp', host: '10.96.0.5', port: 6379 }],
    ['udp://[fd00::5]:53', { kind: 'udp', host: 'fd00::5', port: 53 }],
    [
      'dns:_http._tcp.web.shop.svc.cluster.local',
      { kind: 'dns', host: '_http._tcp.web.shop.svc.cluster.local', type: 'A' },
    ],
  ])('leads to %s', (to, request) => {
    expect(read(`expect: [{from: outside, to: "${to}"}]`).expectations[0]?.request).toEqual({
      ...request,
      timeout: 3_000,
    });
  });

  test.each([
    ['expect: [{to: "http://web"}]', 'expect[0].from is missing'],
    ['expect: [{from: outside}]', 'expect[0].to is missing'],
    ['expect: [{from: outside, to: "https://web"}]', 'expect[0].to is "https://web"; expected http://HOST:PORT/PATH'],
    ['expect: [{from: outside, to: "tcp://web"}]', 'expect[0].to is "tcp://web"'],
    ['expect: [{from: outside, to: "tcp://web:99999"}]', 'expect[0].to is "tcp://web:99999"'],
    ['expect: [{from: outside, to: "http://$(id)"}]', 'expect[0].to is "http://$(id)"'],
    [
      'expect: [{from: outside, to: "http://web", answerdBy: x}]',
      'expect[0].answerdBy is not a field; did you mean answeredBy?',
    ],
    ['expect: [{from: outside, to: "http://web", times: 0}]', 'expect[0].times is 0; expected a number from 1 to 1000'],
    [
      'expect: [{from: outside, to: "http://web", result: lost}]',
      'expect[0].result is "lost"; expected answered, refused, dropped or unknown name',
    ],
    [
      'expect: [{from: outside, to: "http://web", answeredBy: [1]}]',
      'expect[0].answeredBy is a list; expected a string or a list of strings',
    ],
    ['expect: [{from: outside, to: "http://web", all: 1}]', 'expect[0].all is 1; expected true or false'],
    ['expect: [web]', 'expect[0] is "web"; expected a mapping with from and to'],
    ['expects: []', 'expect is missing: a list of expectations'],
    ['expect: []', 'the file has no expectations'],
    ['expect: [', 'e.yaml:1'],
  ])('%s is refused', (text, message) => {
    const { expectations, messages } = read(text);
    expect(expectations).toEqual([]);
    expect(messages.join('\n')).toContain(message);
  });
});
