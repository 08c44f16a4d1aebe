import { describe, expect, it } from 'vitest';
import { parsePackets } from '../support/packets.ts';

describe('packet files', () => {
  it('give canonical addresses, and endpoints in order', () => {
    const text = `
- { name: n, from: "FD00:0::1", to: "[fd00:0:0::2]:80/udp", expect: ["[fd00::b]:1", "[fd00:0::a]:1"], masqueraded: true }
- { name: m, from: 010.0.0.1, to: "10.96.0.1:80/tcp", via: out0, expect: dropped }
`;
    expect(parsePackets(text)).toEqual([
      {
        name: 'n',
        from: 'fd00::1',
        to: { address: 'fd00::2', port: 80, protocol: 'udp' },
        expect: ['[fd00::a]:1', '[fd00::b]:1'],
        masqueraded: true,
        sticky: false,
      },
      {
        name: 'm',
        from: '10.0.0.1',
        to: { address: '10.96.0.1', port: 80, protocol: 'tcp' },
        via: 'out0',
        expect: 'dropped',
        sticky: false,
      },
    ]);
  });

  it.each([
    ['{}', 'not a list'],
    ['- 5', 'packet 1: not a mapping'],
    ['- { name: n, from: nobody, to: "10.0.0.1:1/tcp", expect: dropped }', '"from" an address'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1", expect: dropped }', '"to" must be'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:70000/tcp", expect: dropped }', '"10.0.0.1:70000"'],
    ['- { name: n, from: 10.0.0.1, to: "fd00::1:1/tcp", expect: dropped }', '"fd00::1:1"'],
    ['- { name: n, from: 10.0.0.1, to: "[fd00::1]:1/tcp", expect: dropped }', 'different families'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expect: gone }', '"expect" must be'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expect: [] }', '"expect" must be'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expect: dropped, via: eth0 }', '"via" must be'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expect: dropped, masqueraded: true }', 'need a list'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expect: ["1.1.1.1:1"], masqueraded: ["1.1.1.1:2"] }', 'masq'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expect: ["1.1.1.1:1"] }', 'needs "masqueraded"'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/udp", expect: ["1.1.1.1:1"], sticky: true }', 'needs "masqueraded"'],
    ['- { name: n, from: 10.0.0.1, to: "10.0.0.1:1/tcp", expects: dropped }', 'unknown field expects'],
  ])('refuse %s', (text, words) => {
    expect(() => parsePackets(text)).toThrow(words);
  });
});
