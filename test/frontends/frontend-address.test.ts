import { describe, expect, test } from 'vitest';
import {
  endpointKeyOf,
  frontendHostText,
  frontendText,
  readServicePortName,
  readVerdictKey,
  verdictKeyOf,
} from '../../src/frontends/frontend-address.ts';

describe('keys of verdict maps', () => {
  test.each([
    ['10.96.0.10 . tcp . 80', '10.96.0.10 . 80', '10.96.0.10:80/tcp', '10.96.0.10:80/tcp'],
    ['fd00::1 . udp . 53', 'fd00::1 . 53', '[fd00::1]:53/udp', '[fd00::1]:53/udp'],
    ['sctp . 30080', '30080', '*:30080/sctp', '[*]:30080/sctp'],
  ])('%s', (key, endpointKey, text, textOfIPv6) => {
    const address = readVerdictKey(key);
    expect(address && verdictKeyOf(address)).toBe(key);
    expect(address && endpointKeyOf(address)).toBe(endpointKey);
    expect(address && frontendText(address, 'ip')).toBe(text);
    expect(address && frontendText(address, 'ip6')).toBe(textOfIPv6);
    expect(address && frontendHostText(address, 'ip6')).toBe(textOfIPv6.split('/')[0]);
  });

  test.each(['', '80', 'tcp . http', '10.96.0.10 . tcp . http', '10.96.0.10 . tcp . 80 . 1', '10.96.0.10 . tcp . '])(
    'of another shape: "%s"',
    (key) => {
      expect(readVerdictKey(key)).toBeUndefined();
    },
  );
});

describe('comments of elements', () => {
  test.each([
    ['shop/web', { namespace: 'shop', service: 'web', portName: '' }],
    ['shop/web:http', { namespace: 'shop', service: 'web', portName: 'http' }],
    // The cut after 128 bytes may leave only the colon.
    ['shop/web:', { namespace: 'shop', service: 'web', portName: '' }],
  ])('%s', (comment, name) => {
    expect(readServicePortName(comment)).toEqual(name);
  });

  test.each([undefined, '', 'web', 'shop/', '/web', 'shop/web:http:1', 'shop/web http', 'Shop/web', 'a/b/c'])(
    'not the compiler’s: %s',
    (comment) => {
      expect(readServicePortName(comment)).toBeUndefined();
    },
  );
});
