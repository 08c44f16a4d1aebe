import { listWords } from '../../lib/text.ts';
import { type Facts, type FileName, type FirewallService, knownFiles } from './facts.ts';
import { type Judgment, note, ok, warning } from './finding.ts';

const flush = /^[^#\n]*\bflush\s+ruleset\b/m;

/** Whether an enabled service runs `flush ruleset`, which deletes the tables of all programs until the next apply. */
export function checkFlushes({ files, services }: Facts): Judgment {
  const flushing = (['nftRules', 'nftRulesFedora'] as const).filter((name) => flush.test(files[name] ?? ''));
  const paths = flushing.map((name) => knownFiles[name]);
  const advice =
    'Replace `flush ruleset` with `add table` and `delete table` for each table in the file, and run svc2nft apply after each reload or stop.';
  if (services.nftables !== undefined && (paths.length > 0 || flush.test(services.nftables))) {
    return warning(
      `nftables.service is enabled and flushes the whole ruleset, including that of svc2nft (${listWords([...paths, ...(flush.test(services.nftables) ? ['when it stops'] : [])])})`,
      advice,
    );
  }
  // Debian ships such a file, and many machines never load it.
  return paths.length === 0
    ? ok('no enabled service flushes the ruleset')
    : ok(`nftables.service, which would flush the ruleset, is not enabled (${listWords(paths)})`);
}

/** What each firewall service may do to Services. */
const habits: Readonly<Record<Exclude<FirewallService, 'nftables'>, string>> = {
  firewalld:
    'firewalld may flush all iptables rules when it reloads, including those of CNI plugins, but not the nft tables of other programs',
  ufw: 'ufw drops forwarded packets unless DEFAULT_FORWARD_POLICY is ACCEPT',
  'netfilter-persistent': 'netfilter-persistent restores saved iptables rules at boot',
  docker: 'docker may set the policy for forwarded packets to drop (see ip-forward-no-drop)',
};

/** Whether other services that write packet filter rules are enabled. */
export function checkFirewallServices({ files, services }: Facts): Judgment {
  const isStrict = /^\s*StrictForwardPorts\s*=\s*(?:yes|true)\s*$/im.test(files.firewalld ?? '');
  if (services.firewalld !== undefined && isStrict) {
    return warning(
      'firewalld is enabled with StrictForwardPorts=yes: it rejects what other programs translate, so all Services',
      'Set StrictForwardPorts=no in /etc/firewalld/firewalld.conf.',
    );
  }
  const found = Object.entries(habits).filter(([name]) => services[name as FirewallService] !== undefined);
  return found.length === 0
    ? ok('no firewall service is enabled')
    : note(found.map(([, habit]) => habit).join('; '), 'After each reload, check that pods still reach Services.');
}

const saved: readonly FileName[] = [
  'savedRules',
  'savedRules6',
  'savedRulesFedora',
  'savedRulesFedora6',
  'nftRules',
  'nftRulesFedora',
];

/** Whether files contain rules of kube-proxy, which come back at the next boot with the endpoints of that time. */
export function checkSavedRules({ files }: Facts): Judgment {
  const found = saved.filter((name) => /\bKUBE-SERVICES\b|^\s*table ip6? kube-proxy\b/m.test(files[name] ?? ''));
  return found.length === 0
    ? ok('no saved rules of kube-proxy')
    : warning(
        `saved rules of kube-proxy will be restored when these files are loaded: ${listWords(found.map((name) => knownFiles[name]))}`,
        'Delete the rules of kube-proxy there, or save the rules again without them.',
      );
}
