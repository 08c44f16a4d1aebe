import { isOurChain } from '../../apply/describe-findings.ts';
import { isNftError } from '../../kernel/read-table.ts';
import { listWords } from '../../lib/unknown-values.ts';
import { tableComment } from '../../phases/5-plan/names.ts';
import type { ChainFact, Facts, UnreadTables } from './facts.ts';
import { interfacesOf, type Judgement, note, ok, problem, warning } from './finding.ts';

/** Its rules stay when it ends, and grow stale. The ways differ by who starts it, which rules do not show. */
const stop =
  'Stop kube-proxy for good (delete its DaemonSet, or disable-kube-proxy of k3s and RKE2), then remove its rules:';

/** kube-proxy's nftables mode: tables `ip kube-proxy` and `ip6 kube-proxy`. */
export function checkKubeProxyNftables({ chains }: Facts): Judgement {
  if (isNftError(chains)) {
    return note('whether kube-proxy has tables could not be seen', chains.advice);
  }
  const families = familiesOf(chains.filter(({ table, legacy }) => table === 'kube-proxy' && !legacy));
  return families.length === 0
    ? ok('no table of kube-proxy')
    : problem(
        `kube-proxy translates Services too: ${listWords(families.map((family) => `table ${family} kube-proxy`))}`,
        `${stop} ${listWords(families.map((family) => `\`nft delete table ${family} kube-proxy\``))}, or reboot.`,
      );
}

/** kube-proxy's iptables and ipvs modes: the chain KUBE-SERVICES, of the old iptables or of iptables-nft. */
export function checkKubeProxyIptables({ chains, unread }: Facts): Judgement {
  if (isNftError(chains)) {
    return note('whether kube-proxy has iptables rules could not be seen', chains.advice);
  }
  const found = chains.filter(({ table, name }) => table === 'nat' && name === 'KUBE-SERVICES');
  const places = found.map(
    ({ family, legacy }) => `${family === 'ip6' ? 'ip6tables' : 'iptables'} (${legacy ? 'legacy' : 'nft'})`,
  );
  if (places.length > 0) {
    return problem(
      `kube-proxy translates Services too: KUBE-SERVICES in ${listWords(places)}`,
      `${stop} reboot, or \`kube-proxy --cleanup\` from its image.`,
    );
  }
  const unseen = unread.filter(({ tables }) => tables.includes('nat')).map(describeUnread);
  return unseen.length > 0
    ? warning(
        `${unseen.join('; ')}, and may be of kube-proxy`,
        'Install iptables on this node, so that iptables-legacy-save can be asked; kube-proxy brings its own along.',
      )
    : ok('no iptables rules of kube-proxy');
}

/** kube-proxy's ipvs mode: the interface kube-ipvs0, on which it puts all cluster IPs. */
export function checkKubeProxyIpvs({ files }: Facts): Judgement {
  const services = files.ipvs?.match(/^(?:TCP|UDP|SCTP|FWM) /gm)?.length ?? 0;
  if (interfacesOf(files).includes('kube-ipvs0')) {
    return problem(
      `kube-proxy serves Services too: interface kube-ipvs0, IPVS with ${countServices(services)}`,
      `${stop} reboot, or \`kube-proxy --cleanup\` from its image, then \`ip link delete kube-ipvs0\` should it still be there.`,
    );
  }
  return services === 0
    ? ok('nothing in IPVS')
    : note(
        `IPVS has ${countServices(services)}, but there is no interface of kube-proxy`,
        'Check with `ipvsadm -Ln` that none of them is a cluster IP or node port.',
      );
}

/** Interfaces of programs that can take the place of kube-proxy with eBPF or Open vSwitch, which no rule shows. */
const replacements: ReadonlyMap<string, string> = new Map([
  ['cilium_host', 'Cilium (kubeProxyReplacement)'],
  ['bpfin.cali', 'Calico with eBPF'],
  ['antrea-gw0', 'Antrea (AntreaProxy)'],
  ['ovn-k8s-mp0', 'OVN-Kubernetes'],
  ['kube-dummy-if', 'kube-router (--run-service-proxy)'],
]);

/** Whether another program may translate Services before any rule of nft sees a packet. */
export function checkOtherProxies({ files }: Facts): Judgement {
  const interfaces = interfacesOf(files);
  const found = [...replacements].filter(([name]) => interfaces.includes(name));
  return found.length === 0
    ? ok('no interface of another service proxy')
    : note(
        `${listWords(found.map(([name, program]) => `${program}: interface ${name}`))} may translate Services itself, unseen by nft`,
        'Turn its service proxy off if svc2nft is to do that work; otherwise svc2nft is not needed.',
      );
}

function describeUnread({ program, tables }: UnreadTables): string {
  const [noun, verb] = tables.length === 1 ? ['table', 'is'] : ['tables', 'are'];
  return `${noun} ${tables.join(', ')} of the old ${program} ${verb} in use and could not be read`;
}

function countServices(count: number): string {
  return `${count} virtual ${count === 1 ? 'service' : 'services'}`;
}

function familiesOf(chains: readonly ChainFact[]): string[] {
  return [...new Set(chains.map(({ family }) => family))];
}

/** Whether our table is there, works, and is ours alone. */
export function checkOwnTable({ table, chains, ownTables }: Facts): Judgement {
  if (isNftError(chains)) {
    return note(`table ${table} could not be seen`, chains.advice);
  }
  const own = chains.filter((chain) => chain.table === table && isOurFamily(chain));
  if (own.length === 0) {
    return ok(`there is no table ${table} yet`);
  }
  const asleep = ownTables.find(({ flags }) => flags.length > 0);
  if (asleep) {
    return problem(
      `table ${asleep.family} ${table} has the flag ${asleep.flags.join(', ')}; a dormant table does nothing`,
      'Run svc2nft clean, then svc2nft apply.',
    );
  }
  const stranger = ownTables.find(({ comment }) => comment !== tableComment);
  if (stranger) {
    return warning(
      `table ${stranger.family} ${table} was not made by svc2nft: its comment is ${stranger.comment ?? 'missing'}`,
      'If another program made it, choose another name with --table: svc2nft apply makes the table its own.',
    );
  }
  const foreign = own.filter(({ name }) => !isOurChain(name));
  if (foreign.length > 0) {
    return note(
      `table ${table} has ${countChains(foreign)} of somebody else: ${nameSome(foreign)}`,
      'svc2nft apply removes them; keep rules of your own in a table of your own.',
    );
  }
  const families = [...new Set(own.map(({ family }) => family))];
  return ok(`table ${table} is there for ${listWords(families)} (${countChains(own)})`);
}

/**
 * Tables that have our base chains and another name: a second svc2nft, or a program that took after kube-proxy. What
 * is called kube-proxy has a check of its own.
 */
export function checkSameRules({ table, chains }: Facts): Judgement {
  if (isNftError(chains)) {
    return note('other tables that translate Services could not be seen', chains.advice);
  }
  const isDispatcher = (chain: ChainFact): boolean => chain.name === 'services' && chain.hook === undefined;
  const tables = chains.filter(
    (chain) =>
      chain.name === 'nat-prerouting' &&
      chain.type === 'nat' &&
      !(isOurFamily(chain) && [table, 'kube-proxy'].includes(chain.table)) &&
      chains.some((other) => isDispatcher(other) && other.table === chain.table && other.family === chain.family),
  );
  return tables.length === 0
    ? ok('no other table is built like ours')
    : problem(
        `${listWords(tables.map((chain) => `table ${chain.family} ${chain.table}`))} is built like ours and translates too; the one loaded last comes first`,
        'Remove the table that is not meant to be there: svc2nft clean --table NAME.',
      );
}

function isOurFamily({ family, legacy }: ChainFact): boolean {
  return !legacy && (family === 'ip' || family === 'ip6');
}

function countChains({ length }: readonly ChainFact[]): string {
  return `${length} ${length === 1 ? 'chain' : 'chains'}`;
}

/** A few names are enough to know whose they are. */
function nameSome(chains: readonly ChainFact[]): string {
  const names = chains.slice(0, 5).map(({ name }) => name);
  return chains.length > names.length ? `${names.join(', ')}, ...` : names.join(', ');
}
