import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** From here on it pays, in bytes: collecting takes some ten milliseconds. */
const worthwhile = 2 ** 24;

/**
 * Frees bytes and text of a large input that is parsed and no longer referred to. Both lie outside of V8's heap, where it
 * collects too late: a dump of 85 MB would add 170 MB to the peak, to no use.
 *
 * @param bytes how large the input was.
 */
export function releaseInput(bytes: number): void {
  if (bytes >= worthwhile) {
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
  }
}
