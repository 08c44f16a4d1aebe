import { describe, expect, test } from 'vitest';
import { bindAddressProblem, parseBindAddress } from '../../src/config/bind-address.ts';

describe('a bind address', () => {
  test.each([
    ['127.0.0.1:10249', { address: '127.0.0.1', port: 10249 }],
    ['[::1]:1', { address: '::1', port: 1 }],
    ['[FD00:0::1]:80', { address: 'fd00::1', port: 80 }],
    ['192.0.2.1', { address: '192.0.2.1', port: 9 }],
    ['fd00::1', { address: 'fd00::1', port: 9 }],
    ['0.0.0.0:10256', { address: undefined, port: 10256 }],
    ['[::]:10256', { address: undefined, port: 10256 }],
    ['::', { address: undefined, port: 9 }],
  ])('may be %s', (text, expected) => {
    expect(parseBindAddress(text, 9)).toEqual(expected);
    expect(bindAddressProblem(text)).toBeUndefined();
  });

  test.each([
    '',
    'localhost:80',
    ':80',
    '127.0.0.1:',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:1e3',
    '[::1]',
    '[127.0.0.1',
    '::1:80:',
    '127.0.0.1:80/x',
  ])('is not %j', (text) => {
    expect(parseBindAddress(text, 9)).toBeUndefined();
    expect(bindAddressProblem(text)).toContain('is not an address with a port');
  });
});
