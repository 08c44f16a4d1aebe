import { socketText } from '../socket-text.ts';

/** Where clients connect to. */
export interface Place {
  /** `tcp`, `udp`, `sctp`; empty where the key does not say. */
  readonly protocol: string;
  /** As endpoint maps and sticky sets know it: `10.96.0.1 . 80` or `30080`. */
  readonly key: string;
  /** For people: `10.96.0.1:80/tcp`, `[fd00::1]:80/tcp`, `node port 30080/tcp`. */
  readonly text: string;
}

/**
 * Reads the key of a map of verdicts, `10.96.0.1 . tcp . 80` or `tcp . 30080`. One of another shape, which only others
 * write, is shown as it is.
 */
export function placeOf(key: string): Place {
  const parts = key.split(' . ');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 2) {
    return { protocol: first, key: second, text: `node port ${second}/${first}` };
  }
  if (parts.length !== 3 || !/^[0-9]+$/.test(third)) {
    return { protocol: '', key, text: key };
  }
  return {
    protocol: second,
    key: `${first} . ${third}`,
    text: `${socketText({ address: first, port: Number(third) })}/${second}`,
  };
}
