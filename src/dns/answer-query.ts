import type { DnsRecord } from './dns-records.ts';
import { zoneOf } from './print-zones.ts';

/** What is asked for, and how it is answered: RFC 1034, section 4.3.2, for one server without delegations. */
interface DnsAnswer {
  /** `REFUSED`: no zone of this server has the name. `NXDOMAIN`: the zone has neither the name nor one below it. */
  readonly code: 'NOERROR' | 'NXDOMAIN' | 'REFUSED';
  readonly answers: readonly DnsRecord[];
  /** Addresses of the targets in the answers. */
  readonly additionals: readonly DnsRecord[];
  /** `cluster.local`: the zone of the name, whose SOA record belongs to an answer without records; undefined if refused. */
  readonly zone: string | undefined;
}

/** Answers questions about fully qualified names, in any case: `Web.shop.svc.cluster.local.`, `A`. */
export type AnswerQuery = (name: string, type: string) => DnsAnswer;

/** Which zones there are. */
export interface QueryOptions {
  /** `cluster.local` */
  readonly domain: string;
  /** Domains to append to names that no zone has, as the resolver of a Pod does. */
  readonly search?: readonly string[];
}

/** Answers from these records, which are looked up in constant time. */
export function createAnswerQuery(records: readonly DnsRecord[], { domain, search = [] }: QueryOptions): AnswerQuery {
  /** Also names above those that have records. */
  const byName = new Map<string, DnsRecord[]>();
  const zones = new Set([domain]);
  for (const record of records) {
    zones.add(zoneOf(record.name, domain));
    const known = byName.get(record.name);
    if (known) {
      known.push(record);
      continue;
    }
    byName.set(record.name, [record]);
    addAncestors(record.name, byName);
  }
  const matching = (name: string, type: string, depth = 0): DnsRecord[] =>
    (byName.get(name) ?? [])
      .filter((record) => type === 'ANY' || record.type === type || record.type === 'CNAME')
      .flatMap((record) =>
        record.type === 'CNAME' && type !== 'CNAME' && depth < mostAliases
          ? [record, ...matching(record.target, type, depth + 1)]
          : [record],
      );
  const answer: AnswerQuery = (asked, type) => {
    const name = asked.toLowerCase();
    const zone = findZone(name, zones);
    if (zone === undefined) {
      return searchFor(name, type);
    }
    if (!byName.has(name) && name !== `${zone}.`) {
      return { code: 'NXDOMAIN', answers: [], additionals: [], zone };
    }
    const answers = matching(name, type);
    return { code: 'NOERROR', answers, additionals: answers.flatMap(targetsOf), zone };
  };
  const targetsOf = (record: DnsRecord): DnsRecord[] =>
    record.type === 'SRV'
      ? (byName.get(record.target) ?? []).filter(({ type }) => type === 'A' || type === 'AAAA')
      : [];
  const searchFor = (name: string, type: string): DnsAnswer => {
    for (const suffix of search) {
      const target = `${name}${suffix}.`;
      if (byName.get(target)?.length) {
        const found = answer(target, type);
        return { ...found, answers: [{ name, type: 'CNAME', target }, ...found.answers] };
      }
    }
    return { code: 'REFUSED', answers: [], additionals: [], zone: undefined };
  };
  return answer;
}

/** How many CNAME records are followed, which may lead back to each other. */
const mostAliases = 8;

/** A name without records exists, if one below it does. */
function addAncestors(name: string, byName: Map<string, DnsRecord[]>): void {
  for (let parent = parentOf(name); parent !== '' && !byName.has(parent); parent = parentOf(parent)) {
    byName.set(parent, []);
  }
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1 || name.length);
}

/** The longest zone that a name is in. */
function findZone(name: string, zones: ReadonlySet<string>): string | undefined {
  for (let rest = name; rest !== ''; rest = parentOf(rest)) {
    const zone = rest.slice(0, -1);
    if (zones.has(zone)) {
      return zone;
    }
  }
  return undefined;
}
