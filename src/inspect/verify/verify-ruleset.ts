import type { Ruleset } from '../../nft/ruleset.ts';
import { isKubeProxys } from '../../phases/5-plan/kube-proxy-names.ts';
import { earlierLayoutText, readEarlierLayout } from '../../phases/5-plan/table-layouts.ts';
import { UnknownRule } from '../../walk/check-ruleset.ts';
import { indexRuleset } from '../../walk/index-ruleset.ts';
import { type AcceptFates, behaviorNotes } from './behaviors.ts';
import { checkElements } from './check-elements.ts';
import { checkFrontends, checkHairpins } from './check-frontends.ts';
import { checkPins } from './check-pins.ts';
import { checkShapes } from './check-shapes.ts';
import { checkDamage, checkStructure, statelessRule } from './check-structure.ts';
import { checkSurroundings } from './check-surroundings.ts';
import type { Expectations, ExpectedService } from './expectations.ts';
import { acceptKubeProxy, readKubeProxyTraits, withoutReset } from './kube-proxy-behavior.ts';
import { readLiterals } from './list-clients.ts';
import type { Fault, Verification, VerifyOptions } from './verification.ts';
import { verifyIptables } from './verify-iptables.ts';
import { createWalkCheck } from './walk-check.ts';

/**
 * The faults of a ruleset; none if it does exactly what the snapshot specifies: every packet for a Service has the
 * expected fate, endpoints get equal shares, and nothing in the ruleset serves anything else. Walks use no code of the
 * compiler. Each rule is also held against what the compiler writes, because no walk can try all that a rule may match.
 */
export function verifyRuleset(ruleset: Ruleset, given: Expectations, options: VerifyOptions): Verification {
  const expectations = withSpareAddress(given);
  const { family, table, language } = ruleset;
  const sizes = { family, table, exists: true, ...countExpected(expectations) };
  if (language === 'iptables') {
    return { ...sizes, ...verifyIptables(ruleset, expectations, options) };
  }
  if (isKubeProxys(ruleset)) {
    return { ...sizes, ...verifyKubeProxy(ruleset, expectations, options) };
  }
  const layout = readEarlierLayout(ruleset);
  const causes = [
    ...(layout ? [earlierLayout] : []),
    ...checkDamage(ruleset),
    ...(options.deviations ?? []).map(({ message }): Fault => ({ code: 'not-understood', message })),
    ...checkShapes(ruleset, layout),
  ];
  try {
    const indexed = indexRuleset(ruleset);
    const check = createWalkCheck(indexed, expectations);
    const literals = readLiterals(ruleset);
    checkFrontends(check, literals);
    checkHairpins(check);
    checkSurroundings(check, literals);
    checkElements(check);
    checkPins(check, options.pins ?? new Map());
    const structure = checkStructure(indexed, {
      expectations,
      isActual: options.isActual,
      isEarlier: layout !== undefined,
    });
    const faults = [...causes, ...check.faults.list(), ...structure];
    return { ...sizes, packets: check.packets(), faults };
  } catch (error) {
    if (!(error instanceof UnknownRule)) {
      throw error;
    }
    return { ...sizes, packets: 0, faults: [...causes, { code: 'not-understood', message: error.message }] };
  }
}

/** The same for a table of kube-proxy: only fates and elements count, for its layout is its own. */
function verifyKubeProxy(
  ruleset: Ruleset,
  expectations: Expectations,
  { deviations = [] }: VerifyOptions,
): Pick<Verification, 'packets' | 'faults' | 'notes'> {
  const causes = deviations.map(({ message }): Fault => ({ code: 'not-understood', message }));
  try {
    const check = createWalkCheck(indexRuleset(ruleset), expectations, acceptFatesOf(ruleset, expectations));
    const literals = readLiterals(ruleset);
    checkFrontends(check, literals);
    checkHairpins(check);
    checkSurroundings(check, literals);
    // kube-proxy also has those of the claimants that did not get a frontend.
    checkElements(check, (key) => expectations.contested.has(key.replaceAll(' . ', ' ')));
    const filters = ruleset.chains.filter(({ hook }) => hook?.type === 'filter');
    const stateless = filters.flatMap(({ name, rules }) => statelessRule(name, rules));
    const faults = [...causes, ...check.faults.list(), ...stateless];
    return { packets: check.packets(), faults, notes: behaviorNotes(check.behaviors) };
  } catch (error) {
    if (!(error instanceof UnknownRule)) {
      throw error;
    }
    return { packets: 0, faults: [...causes, { code: 'not-understood', message: error.message }], notes: [] };
  }
}

/** Versions differ in details that no layout tells, so that what a Service asks for is right as well. */
function acceptFatesOf(ruleset: Ruleset, expectations: Expectations): AcceptFates {
  const accept = acceptKubeProxy(readKubeProxyTraits(ruleset), expectations);
  return (packet, expected) => {
    const asked = { expected, codes: [] };
    return [...accept(packet, expected), withoutReset(asked), asked];
  };
}

/** In place of a fault for each rule, chain and hook that this version writes otherwise. */
const earlierLayout: Fault = {
  code: 'earlier-layout',
  message: `${earlierLayoutText}; svc2nft apply brings it up to date`,
};

/** The verification of a table that does not exist: a fault only if the snapshot has frontends in its family. */
export function verifyMissingTable(expectations: Expectations, table: string): Verification {
  const { family } = expectations;
  const { frontends, endpoints } = countExpected(expectations);
  const isIptables = table === 'iptables';
  const rules = family === 'ip' ? 'iptables' : 'ip6tables';
  const message = isIptables ? `there are no rules of ${rules}` : `there is no table ${family} ${table}`;
  const faults: Fault[] = frontends > 0 ? [{ code: 'missing-table', message }] : [];
  return { family, table, exists: false, frontends, endpoints, packets: 0, faults };
}

const spareAddresses = {
  ip: ['192.0.2.254', '198.51.100.254', '203.0.113.254'],
  ip6: ['2001:db8:fffe::fe', '2001:db8:fffd::fe', '2001:db8:fffc::fe'],
} as const;

/**
 * If node ports are open at all addresses of the node, they are also tried at one that the snapshot does not name, so
 * that a ruleset which lists the known addresses is found out.
 */
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
  const endpointAddresses = new Set<string>();
  for (const { service } of [...ips.values(), ...nodePorts.values()]) {
    for (const { text } of [...service.cluster, ...service.local]) {
      endpointAddresses.add(`${service.protocol} ${text}`);
    }
  }
  return { frontends: ips.size + nodePorts.size, endpoints: endpointAddresses.size };
}
