import { isDeepStrictEqual } from 'node:util';
import { compareText } from '../compare-text.ts';
import { baseChains } from '../phases/5-plan/base-chains.ts';
import { chainNames } from '../phases/5-plan/names.ts';
import type { Ruleset } from '../phases/5-plan/ruleset.ts';
import type { FamilyChanges, SettingChange } from './family-changes.ts';
import { readSettings } from './read-settings.ts';

type Setting = SettingChange['setting'];

/** The chains that every ruleset has, each with the settings that its rules depend on. */
const fixedChains: ReadonlyMap<string, readonly Setting[]> = new Map<string, readonly Setting[]>([
  [chainNames.services, ['masquerade mark', 'masqueraded to cluster IPs', 'pods', 'node port addresses']],
  [chainNames.masquerading, ['masquerade mark']],
  [chainNames.nodePortEndpointsCheck, ['node port addresses']],
  [chainNames.firewallCheck, []],
  [chainNames.serviceEndpointsCheck, []],
  [chainNames.clusterIpsCheck, []],
  [chainNames.rejectChain, []],
  ...baseChains.map(({ name }) => [name, []] as const),
]);

/** Settings of the node that differ, and fixed chains that differ for no such reason. Nothing without both tables. */
export function compareSettings(
  before: Ruleset | undefined,
  after: Ruleset | undefined,
): Pick<FamilyChanges, 'settings' | 'chains'> {
  if (!before || !after) {
    return { settings: [], chains: [] };
  }
  const [old, now] = [readSettings(before), readSettings(after)];
  const settings = Object.keys(old).flatMap((name): SettingChange[] => {
    const setting = name as Setting;
    const [was, is] = [old[setting], now[setting]];
    return was && is && !isDeepStrictEqual(was, is) ? [{ setting, before: was, after: is }] : [];
  });
  const changed = new Set(settings.map(({ setting }) => setting));
  const unexplained = [...fixedChains].filter(
    ([chain, reasons]) => !reasons.some((reason) => changed.has(reason)) && !isSameChain(chain, before, after),
  );
  return { settings, chains: unexplained.map(([chain]) => chain).sort(compareText) };
}

function isSameChain(name: string, before: Ruleset, after: Ruleset): boolean {
  const [old, now] = [before, after].map(({ chains }) => chains.find((chain) => chain.name === name));
  return isDeepStrictEqual(old, now);
}
