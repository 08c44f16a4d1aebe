import { escapeControls } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';

/** One table, checked. */
export interface Verification {
  readonly family: Family;
  readonly table: string;
  /** Addresses with a port, and node ports, that Services own. */
  readonly frontends: number;
  /** Distinct endpoint addresses behind them. */
  readonly endpoints: number;
  /** How many packets were walked through the ruleset. */
  readonly packets: number;
  readonly faults: readonly Fault[];
}

/** One thing that is wrong. */
export interface Fault {
  readonly code: FaultCode;
  /** `shop/web:http`; absent if the fault does not belong to a Service. */
  readonly service?: string;
  /** `10.96.0.10:80/tcp`, or `*:30080/tcp` for a node port; absent if the fault does not belong to a frontend. */
  readonly frontend?: string;
  /** What is wrong, in one line. Names from the ruleset are copied as they are: escape them before printing. */
  readonly message: string;
}

/** Kinds of faults; programs may rely on these words. */
export type FaultCode =
  /** There is no table, though the snapshot needs one in this family. */
  | 'missing-table'
  /** Something in the table that svc2nft does not understand, or that the kernel would refuse. */
  | 'not-understood'
  /** Connections are rejected, dropped, translated or left alone, and should not be. */
  | 'wrong-verdict'
  /** Connections reach an endpoint that they should not, or miss one that they should reach. */
  | 'wrong-endpoint'
  | 'unequal-shares'
  /** The source is masqueraded and should not be, or the other way round. */
  | 'wrong-source'
  /** Mark bits of other programs are lost, or the masquerade bit is still set on packets that leave the node. */
  | 'wrong-mark'
  /** A client does not keep its endpoint, keeps it without need, or keeps it for the wrong time. */
  | 'wrong-affinity'
  /** A frontend that no Service has. */
  | 'extra-frontend'
  /** An element that no packet of a Service needs. */
  | 'extra-element'
  | 'missing-element'
  /** A chain that no rule leads to, or a set that no rule uses. */
  | 'dangling-chain'
  | 'dangling-set'
  /** A base chain that is missing, redundant or in the wrong place. */
  | 'wrong-hook'
  /** A rule behind one that ends its chain. */
  | 'unreachable-rule'
  /** A filter rule that applies to established connections. */
  | 'wrong-state'
  /** An element whose comment names another Service. */
  | 'wrong-comment';

/** How many faults of one kind are printed; the others are counted. */
const shownOfKind = 20;

/** A verification as lines: one for each fault, then a summary. Control characters are escaped. */
export function renderVerification({ family, table, faults, ...counts }: Verification): string[] {
  const numbers = [
    plural(counts.frontends, 'frontend'),
    plural(counts.endpoints, 'endpoint'),
    `${plural(counts.packets, 'packet')} walked`,
  ];
  const verdict = faults.length === 0 ? 'correct' : plural(faults.length, 'fault');
  return [...renderFaults(faults), `table ${family} ${table}: ${numbers.join(', ')}: ${verdict}`].map(escapeControls);
}

/** Kinds in the order of their first fault, so that the lines of one kind stand together. */
function renderFaults(faults: readonly Fault[]): string[] {
  const kinds = new Map<string, Fault[]>();
  for (const fault of faults) {
    const known = kinds.get(fault.code);
    if (known) {
      known.push(fault);
    } else {
      kinds.set(fault.code, [fault]);
    }
  }
  return [...kinds].flatMap(([code, ofKind]) => {
    const others = ofKind.length - shownOfKind;
    return [
      ...ofKind.slice(0, shownOfKind).map(renderFault),
      ...(others > 0 ? [`... and ${others.toLocaleString('en')} more of this kind (${code})`] : []),
    ];
  });
}

function renderFault({ service, frontend, message }: Fault): string {
  const place = [service, frontend].filter((part) => part !== undefined).join(' ');
  return place === '' ? message : `${place}: ${message}`;
}

function plural(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
