import { escapeControls } from '../../lib/text.ts';
import type { Fault, Verification } from './verify-ruleset.ts';

/** As many faults of one kind are shown; the others are counted. */
const shownOfKind = 20;

/**
 * One checked table for people: a line for each fault, then one that says what was checked. Texts of the ruleset are
 * escaped.
 */
export function renderVerification({ family, table, faults, ...counts }: Verification): string[] {
  const numbers = [
    plural(counts.frontends, 'frontend'),
    plural(counts.endpoints, 'endpoint'),
    `${plural(counts.packets, 'packet')} walked`,
  ];
  const verdict = faults.length === 0 ? 'right' : plural(faults.length, 'fault');
  return [...renderFaults(faults), `table ${family} ${table}: ${numbers.join(', ')}: ${verdict}`].map(escapeControls);
}

/** One fault as a line: whom it concerns, then what is wrong. */
function renderFault({ service, frontend, message }: Fault): string {
  const whom = [service, frontend].filter((part) => part !== undefined).join(' ');
  return whom === '' ? message : `${whom}: ${message}`;
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

function plural(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}
