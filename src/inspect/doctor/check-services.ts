import { listWords } from '../../lib/unknown-values.ts';
import type { Facts } from './facts.ts';
import { type Judgement, note, ok, warning } from './finding.ts';
import { type FileName, type FirewallService, knownFiles } from './known-files.ts';

const flush = /^[^#\n]*\bflush\s+ruleset\b/m;

/** `flush ruleset` deletes our table with all others, until the next apply. */
export function checkFlushes({ files, services }: Facts): Judgement {
  const flushing = (['nftRules', 'nftRulesFedora'] as const).filter((name) => flush.test(files[name] ?? ''));
  const paths = flushing.map((name) => knownFiles[name]);
  const advice =
    'Replace it by `add table` and `delete table` of the tables that the file defines, and run svc2nft apply after each reload or stop.';
  if (services.nftables !== undefined && (paths.length > 0 || flush.test(services.nftables))) {
    return warning(
      `nftables.service is enabled and flushes the whole ruleset, our table too (${listWords([...paths, ...(flush.test(services.nftables) ? ['when it stops'] : [])])})`,
      advice,
    );
  }
  // Debian ships the file so, and many machines have it that never load it.
  return paths.length === 0
    ? ok('no service that flushes rulesets is enabled')
    : ok(`nftables.service is not enabled, and so does not flush the ruleset (${listWords(paths)} would)`);
}

/** What enabled firewalls do that may concern us. */
const habits: Readonly<Record<Exclude<FirewallService, 'nftables'>, string>> = {
  firewalld:
    'firewalld may flush all iptables rules when it reloads, those of CNI plugins too, but no nft tables of others',
  ufw: 'ufw drops what is forwarded unless DEFAULT_FORWARD_POLICY is ACCEPT',
  'netfilter-persistent': 'netfilter-persistent restores saved iptables rules at boot',
  docker: 'docker may set the policy for what is forwarded to drop (see ip-forward-no-drop)',
};

/** Other services that write packet filter rules. */
export function checkFirewallServices({ files, services }: Facts): Judgement {
  const isStrict = /^\s*StrictForwardPorts\s*=\s*(?:yes|true)\s*$/im.test(files.firewalld ?? '');
  if (services.firewalld !== undefined && isStrict) {
    return warning(
      'firewalld is enabled with StrictForwardPorts=yes: it rejects what others translate, so all of our Services',
      'Set StrictForwardPorts=no in /etc/firewalld/firewalld.conf.',
    );
  }
  const found = Object.entries(habits).filter(([name]) => services[name as FirewallService] !== undefined);
  return found.length === 0
    ? ok('no firewall service is enabled')
    : note(found.map(([, habit]) => habit).join('; '), 'Check after each reload of it that pods still reach Services.');
}

const saved: readonly FileName[] = [
  'savedRules',
  'savedRules6',
  'savedRulesFedora',
  'savedRulesFedora6',
  'nftRules',
  'nftRulesFedora',
];

/** Rules of kube-proxy that were saved with all others come back at the next boot, and stay as they were. */
export function checkSavedRules({ files }: Facts): Judgement {
  const found = saved.filter((name) => /\bKUBE-SERVICES\b|^\s*table ip6? kube-proxy\b/m.test(files[name] ?? ''));
  return found.length === 0
    ? ok('no saved rules of kube-proxy')
    : warning(
        `saved rules of kube-proxy, which come back when they are loaded: ${listWords(found.map((name) => knownFiles[name]))}`,
        'Delete what belongs to kube-proxy there, or save the rules anew without it.',
      );
}
