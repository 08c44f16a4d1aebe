import type { Facts } from './facts.ts';
import { type Judgement, note, ok, problem, warning } from './finding.ts';

/** Whether stale UDP flows can be deleted. */
export function checkConntrackProgram({ hasConntrack }: Facts): Judgement {
  return hasConntrack
    ? ok('conntrack is installed')
    : warning(
        'conntrack is not installed: UDP flows to endpoints that are gone go on until they pause',
        'Install conntrack-tools (Debian: conntrack).',
      );
}

/** Every connection to a Service needs an entry; when the table is full, the kernel drops new ones. */
export function checkConntrackTable({ files }: Facts): Judgement {
  const [count, limit] = [Number(files.flowCount), Number(files.flowLimit)];
  if (!(count >= 0 && limit > 0)) {
    return note(
      'the size of the conntrack table could not be seen',
      'The module nf_conntrack may not be loaded yet; our rules load it.',
    );
  }
  const advice = 'Raise net.netfilter.nf_conntrack_max; kube-proxy takes 32768 for each core and 131072 at least.';
  if (count >= limit) {
    return problem(`the conntrack table is full: ${count} of ${limit} connections, new ones are dropped`, advice);
  }
  const what = `the conntrack table has ${count} of ${limit} connections`;
  return count >= limit * 0.8 ? warning(what, advice) : ok(what);
}

/** From Linux 6.1 on, conntrack itself lets TCP packets that come late pass with their translation. */
const firstLenientKernel = [6, 1] as const;

/**
 * Conntrack does not translate a TCP packet out of the window; its receiver does not know the sender then, and resets
 * the connection (kubernetes issue 74839).
 */
export function checkLiberal({ files }: Facts): Judgement {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(files.release ?? '') ?? [];
  const [first, second] = firstLenientKernel;
  const isLenient = Number(major) > first || (Number(major) === first && Number(minor) >= second);
  return isLenient || files.liberal?.trim() === '1'
    ? ok('late TCP packets reset no connection')
    : note(
        'net.netfilter.nf_conntrack_tcp_be_liberal is not 1: before Linux 6.1, late TCP packets may reset connections',
        'Set it to 1, as conntrack.tcpBeLiberal of kube-proxy does.',
      );
}
