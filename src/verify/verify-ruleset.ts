import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import { indexRuleset } from '../walk/index-ruleset.ts';
import { UnknownRule } from '../walk/unknown-rule.ts';
import { checkElements } from './check-elements.ts';
import { checkFrontends, checkHairpins } from './check-frontends.ts';
import { checkRules } from './check-rules.ts';
import { checkStructure } from './check-structure.ts';
import { checkSurroundings } from './check-surroundings.ts';
import type { Expectations, ExpectedService } from './expectations.ts';
import { readLiterals } from './read-literals.ts';
import type { Fault, Verification } from './verification.ts';
import { createWalkCheck } from './walk-check.ts';

/** Where a ruleset comes from. */
export interface VerifyOptions {
  /** Read from the kernel or a file: such a table may keep idle chains. */
  readonly isInstalled: boolean;
  /** What a listing has that is not in the ruleset, as nobody understands it. */
  readonly oddities?: readonly string[];
}

/**
 * Checks that a ruleset does exactly what it should: every packet that a Service may get has the right fate, with equal
 * shares, and nothing in the ruleset serves anything else. Pure; no part of the compiler is asked.
 */
export function verifyRuleset(ruleset: Ruleset, given: Expectations, options: VerifyOptions): Verification {
  const expectations = withSpareAddress(given);
  const { family, table } = ruleset;
  const sizes = { family, table, ...countExpected(expectations) };
  const odd = (options.oddities ?? []).map((message): Fault => ({ code: 'not-understood', message }));
  try {
    const indexed = indexRuleset(ruleset);
    const check = createWalkCheck(indexed, expectations);
    const literals = readLiterals(ruleset);
    checkFrontends(check, literals);
    checkHairpins(check);
    checkSurroundings(check, literals);
    checkElements(check);
    const structure = checkStructure(indexed, { ...options, losers: expectations.losers });
    const faults = [...odd, ...check.faults.list(), ...structure, ...checkRules(indexed, expectations)];
    return { ...sizes, packets: check.packets(), faults };
  } catch (error) {
    if (!(error instanceof UnknownRule)) {
      throw error;
    }
    return { ...sizes, packets: 0, faults: [...odd, { code: 'not-understood', message: error.message }] };
  }
}

/** The table is missing: a fault only where somebody needs it. */
export function verifyMissingTable(expectations: Expectations, table: string): Verification {
  const { family } = expectations;
  const { frontends, endpoints } = countExpected(expectations);
  const message = `there is no table ${family} ${table}`;
  const faults: Fault[] = frontends > 0 ? [{ code: 'missing-table', message }] : [];
  return { family, table, frontends, endpoints, packets: 0, faults };
}

const spareAddresses = {
  ip: ['192.0.2.254', '198.51.100.254', '203.0.113.254'],
  ip6: ['2001:db8:fffe::fe', '2001:db8:fffd::fe', '2001:db8:fffc::fe'],
} as const;

/** Node ports that are open at all addresses of a node are tried at one more than are known: no list of addresses will do. */
function withSpareAddress(expectations: Expectations): Expectations {
  const { nodeAddresses, nodePortAddresses, family, ips } = expectations;
  if (nodePortAddresses !== 'all') {
    return expectations;
  }
  const taken = new Set([...ips.values()].flatMap(({ address, service }) => [address, ...addressesOf(service)]));
  const spare = spareAddresses[family].find((address) => !taken.has(address) && !nodeAddresses.includes(address));
  return { ...expectations, nodeAddresses: [...nodeAddresses, ...(spare === undefined ? [] : [spare])] };
}

function addressesOf({ cluster, local }: ExpectedService): string[] {
  return [...cluster, ...local].map(({ address }) => address);
}

function countExpected({ ips, nodePorts }: Expectations): Pick<Verification, 'frontends' | 'endpoints'> {
  const sockets = new Set<string>();
  for (const { service } of [...ips.values(), ...nodePorts.values()]) {
    for (const { text } of [...service.cluster, ...service.local]) {
      sockets.add(`${service.protocol} ${text}`);
    }
  }
  return { frontends: ips.size + nodePorts.size, endpoints: sockets.size };
}
