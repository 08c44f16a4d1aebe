import { pushTo } from '../../lib/lists.ts';
import { countOf, escapeControls, listSome } from '../../lib/text.ts';
import type { BehaviorNote } from './behaviors.ts';
import type { Fault, Verification } from './verification.ts';

/** How many faults of one kind are printed; the others are counted. */
const shownOfKind = 20;

/** A verification as lines: one for each fault and note, then a summary. Control characters are escaped. */
export function renderVerification({ family, table, exists, faults, notes, ...counts }: Verification): string[] {
  if (!exists && faults.length === 0) {
    return [escapeControls(`table ${family} ${table}: no table, and no Service needs one`)];
  }
  const numbers = [
    countOf(counts.frontends, 'frontend'),
    countOf(counts.endpoints, 'endpoint'),
    `${countOf(counts.packets, 'packet')} walked`,
  ];
  const verdict = faults.length === 0 ? 'correct' : countOf(faults.length, 'fault');
  // The rules of all tables of iptables are one ruleset.
  const place =
    table === 'iptables' ? `rules of ${family === 'ip' ? 'iptables' : 'ip6tables'}` : `table ${family} ${table}`;
  const summary = `${place}: ${numbers.join(', ')}: ${verdict}`;
  // kube-proxy has rules for each Service, so what is wrong with a fixed rule shows at each.
  const lines = notes ? renderAlike(faults) : renderFaults(faults);
  return [...lines, ...(notes ?? []).map(renderNote), summary].map(escapeControls);
}

/** Faults that only endpoints and frontends tell apart are one line. */
function renderAlike(faults: readonly Fault[]): string[] {
  const groups = new Map<string, Fault[]>();
  for (const fault of faults) {
    pushTo(groups, `${fault.code} ${fault.message.replace(endpointPattern, '')}`, fault);
  }
  const lines = [...groups.values()].flatMap(([first, ...others]) =>
    first ? [renderFault(first, others.length)] : [],
  );
  const hidden = lines.length - shownOfKind;
  return [...lines.slice(0, shownOfKind), ...(hidden > 0 ? [`... and ${countOf(hidden, 'more line')}`] : [])];
}

/** An address with or without a port, or a number of endpoints. */
const endpointPattern = /\[[0-9a-f:]+\]:\d+|\b\d+(?:\.\d+){3}(?::\d+)?|[0-9a-f]*:[0-9a-f:]+|\b\d+(?:\/\d+)?\b/g;

/** How many frontends of a note are named. */
const shownFrontends = 3;

function renderNote({ message, frontends }: BehaviorNote): string {
  const where =
    frontends.length === 0
      ? 'where no Service answers'
      : `${countOf(frontends.length, 'frontend')}: ${listSome(frontends, shownFrontends)}`;
  return `note: ${message} (${where})`;
}

/** Kinds in the order of their first fault, so that the lines of one kind stand together. */
function renderFaults(faults: readonly Fault[]): string[] {
  const kinds = new Map<string, Fault[]>();
  for (const fault of faults) {
    pushTo(kinds, fault.code, fault);
  }
  return [...kinds].flatMap(([code, ofKind]) => {
    const others = ofKind.length - shownOfKind;
    return [
      ...ofKind.slice(0, shownOfKind).map((fault) => renderFault(fault)),
      ...(others > 0 ? [`... and ${others.toLocaleString('en')} more of this kind (${code})`] : []),
    ];
  });
}

function renderFault({ service, frontend, message }: Fault, alike = 0): string {
  const place = [service, frontend].filter((part) => part !== undefined).join(' ');
  const others = alike > 0 ? ` (and ${alike.toLocaleString('en')} more)` : '';
  return place === '' ? `${message}${others}` : `${place}${others}: ${message}`;
}
