import { isNftError } from '../../kernel/nft-error.ts';
import type { RunProgram } from '../../kernel/run-program.ts';
import { countOf, listWords } from '../../lib/text.ts';
import { isKnownChain } from '../../phases/5-plan/known-names.ts';
import { tableComment } from '../../phases/5-plan/names.ts';
import type { ChainFact, Facts, UnreadTables } from './facts.ts';
import { interfacesOf, type Judgment, note, ok, problem, warning } from './finding.ts';
import { listChains } from './gather-facts.ts';

/**
 * The rules of kube-proxy stay when it stops, and become stale. How to stop it depends on what started it, which rules
 * do not show.
 */
const stop =
  'Stop kube-proxy permanently (delete its DaemonSet, or set disable-kube-proxy on k3s and RKE2), then remove its rules:';

/**
 * The problems that other rules which translate Services are beside a table of svc2nft: those of kube-proxy, its own table and in
 * iptables-nft, of a second svc2nft, and of svc2nft for iptables. None if there are no such rules or chains cannot be listed. Takes
 * one listing of chains, and reads no rules.
 *
 * @param table the name of svc2nft's own tables.
 */
export async function findCompetingTables(run: RunProgram, table: string): Promise<Judgment[]> {
  const chains = await listChains(run);
  if (isNftError(chains)) {
    return [];
  }
  const judgments = [
    checkKubeProxyNftables({ chains }),
    checkKubeProxyIptables({ chains, unread: [] }),
    checkOtherTables(table, chains),
    checkOwnIptables(chains),
  ];
  return judgments.filter(({ status }) => status === 'problem');
}

/**
 * The same beside rules of svc2nft for iptables. Where nft cannot list chains, its tables are not looked at.
 *
 * @param saved the chains of iptables that were read.
 * @returns the problems, and a note where both variants of iptables have rules.
 */
export async function findCompetitorsOfIptables(run: RunProgram, saved: readonly ChainFact[]): Promise<Judgment[]> {
  const listed = await listChains(run);
  const chains = [...(isNftError(listed) ? [] : listed), ...saved];
  const tables = tablesLikeOwn(chains, ['kube-proxy']);
  return [
    checkKubeProxyNftables({ chains }),
    checkKubeProxyIptables({ chains, unread: [] }),
    ...(tables.length > 0
      ? [
          problem(
            `nftables rules of svc2nft also translate Services: ${listWords(tables)}`,
            'Remove them: svc2nft clean --target nftables, with --table NAME if they have another name.',
          ),
        ]
      : []),
    checkVariants(chains),
  ].filter(({ status }) => status !== 'ok');
}

/** Chains of the other variant of iptables translate as well, and are not seen by programs of this one. */
function checkVariants(chains: readonly ChainFact[]): Judgment {
  const isOfIptables = ({ family, table, legacy: isLegacy, name }: ChainFact): boolean =>
    !isLegacy && ['ip', 'ip6'].includes(family) && iptablesTables.includes(table) && /^[A-Z]/.test(name);
  return chains.some((chain) => chain.legacy) && chains.some(isOfIptables)
    ? note(
        'iptables has rules in both variants, nf_tables and legacy; packets pass both',
        'Use one variant on a machine, and remove the rules of the other one.',
      )
    : ok('one variant of iptables');
}

const iptablesTables: readonly string[] = ['filter', 'nat'];

/** The rules for iptables; `svc2nft clean` finds those of both variants. */
function checkOwnIptables(chains: readonly ChainFact[]): Judgment {
  const places = placesOf(chains, 'SVC2NFT-SERVICES');
  return places.length === 0
    ? ok('no rules of svc2nft for iptables')
    : problem(
        `rules of svc2nft for iptables also translate Services: SVC2NFT-SERVICES in ${listWords(places)}`,
        'Remove those that you do not need: svc2nft clean --target iptables.',
      );
}

/** The variants of iptables that have a chain in table nat. */
function placesOf(chains: readonly ChainFact[], name: string): string[] {
  const found = chains.filter((chain) => chain.table === 'nat' && chain.name === name);
  const places = found.map(
    ({ family, legacy }) => `${family === 'ip6' ? 'ip6tables' : 'iptables'} (${legacy ? 'legacy' : 'nft'})`,
  );
  return [...new Set(places)];
}

/** Whether kube-proxy runs in nftables mode: tables `ip kube-proxy` and `ip6 kube-proxy`. */
export function checkKubeProxyNftables({ chains }: Pick<Facts, 'chains'>): Judgment {
  if (isNftError(chains)) {
    return note('could not check for tables of kube-proxy', chains.advice);
  }
  const families = familiesOf(chains.filter(({ table, legacy }) => table === 'kube-proxy' && !legacy));
  return families.length === 0
    ? ok('no table of kube-proxy')
    : problem(
        `kube-proxy also translates Services: ${listWords(families.map((family) => `table ${family} kube-proxy`))}`,
        `${stop} ${listWords(families.map((family) => `\`nft delete table ${family} kube-proxy\``))}, or reboot.`,
      );
}

/** Whether kube-proxy runs in iptables or ipvs mode: chain KUBE-SERVICES, of legacy iptables or of iptables-nft. */
export function checkKubeProxyIptables({ chains, unread }: Pick<Facts, 'chains' | 'unread'>): Judgment {
  if (isNftError(chains)) {
    return note('could not check for iptables rules of kube-proxy', chains.advice);
  }
  const places = placesOf(chains, 'KUBE-SERVICES');
  if (places.length > 0) {
    return problem(
      `kube-proxy also translates Services: KUBE-SERVICES in ${listWords(places)}`,
      `\`svc2nft migrate --from kernel\` shows what changes for clients. ${stop} reboot, or \`kube-proxy --cleanup\` from its image.`,
    );
  }
  const unseen = unread.filter(({ tables }) => tables.includes('nat')).map(describeUnread);
  return unseen.length > 0
    ? warning(
        `${unseen.join('; ')}, and may belong to kube-proxy`,
        'Install iptables on this node: svc2nft reads these tables with iptables-legacy-save. kube-proxy has its own copy in its image.',
      )
    : ok('no iptables rules of kube-proxy');
}

/** Whether kube-proxy runs in ipvs mode: interface kube-ipvs0, which has all cluster IPs. */
export function checkKubeProxyIpvs({ files }: Facts): Judgment {
  const services = files.ipvs?.match(/^(?:TCP|UDP|SCTP|FWM) /gm)?.length ?? 0;
  if (interfacesOf(files).includes('kube-ipvs0')) {
    return problem(
      `kube-proxy also serves Services: interface kube-ipvs0, IPVS with ${countServices(services)}`,
      `${stop} reboot, or \`kube-proxy --cleanup\` from its image; then \`ip link delete kube-ipvs0\` if it is still there.`,
    );
  }
  return services === 0
    ? ok('IPVS has no virtual services')
    : note(
        `IPVS has ${countServices(services)}, but the interface of kube-proxy does not exist`,
        'Check with `ipvsadm -Ln` that none of them is a cluster IP or node port.',
      );
}

/** Interfaces of programs that can replace kube-proxy by eBPF or Open vSwitch, which no rule shows. */
const replacements: ReadonlyMap<string, string> = new Map([
  ['cilium_host', 'Cilium (kubeProxyReplacement)'],
  ['bpfin.cali', 'Calico with eBPF'],
  ['antrea-gw0', 'Antrea (AntreaProxy)'],
  ['ovn-k8s-mp0', 'OVN-Kubernetes'],
  ['kube-dummy-if', 'kube-router (--run-service-proxy)'],
]);

/** Whether another program may translate Services before any nft rule sees a packet. */
export function checkOtherProxies({ files }: Facts): Judgment {
  const interfaces = interfacesOf(files);
  const found = [...replacements].filter(([name]) => interfaces.includes(name));
  return found.length === 0
    ? ok('no interface of another service proxy')
    : note(
        `${listWords(found.map(([name, program]) => `${program}: interface ${name}`))} may translate Services itself, invisible to nft`,
        'To use svc2nft, turn off the service proxy of that program; if it serves Services, svc2nft is not needed.',
      );
}

function describeUnread({ program, tables }: UnreadTables): string {
  const [noun, verb] = tables.length === 1 ? ['table', 'is'] : ['tables', 'are'];
  return `${noun} ${tables.join(', ')} of ${program} (legacy) ${verb} in use and could not be read`;
}

function countServices(count: number): string {
  return countOf(count, 'virtual service');
}

function familiesOf(chains: readonly ChainFact[]): string[] {
  return [...new Set(chains.map(({ family }) => family))];
}

/** Whether svc2nft's table exists, works, and has no chains of other programs. */
export function checkOwnTable({ table, chains, ownTables }: Facts): Judgment {
  if (isNftError(chains)) {
    return note(`could not check table ${table}`, chains.advice);
  }
  const own = chains.filter((chain) => chain.table === table && isServedFamily(chain));
  if (own.length === 0) {
    return ok(`there is no table ${table} yet`);
  }
  for (const { family, error } of ownTables) {
    if (error) {
      return problem(`table ${family} ${table} cannot be read: ${error.said.join(': ')}`, error.advice);
    }
  }
  // Those of an agent with --own-table do no harm.
  const dormant = ownTables.find(({ flags }) => flags.some((flag) => flag !== 'owner' && flag !== 'persist'));
  if (dormant) {
    return problem(
      `table ${dormant.family} ${table} has the flag ${dormant.flags.join(', ')}; a dormant table does nothing`,
      'Run svc2nft clean, then svc2nft apply.',
    );
  }
  const unmarked = ownTables.find(({ comment }) => comment !== tableComment);
  if (unmarked) {
    return warning(
      `table ${unmarked.family} ${table} was not created by svc2nft: its comment is ${unmarked.comment ?? 'missing'}`,
      'If another program created it, choose another name with --table: svc2nft apply takes the table over.',
    );
  }
  const unknown = own.filter(({ name }) => !isKnownChain(name));
  if (unknown.length > 0) {
    return note(
      `table ${table} has ${countChains(unknown)} that svc2nft does not know: ${nameSome(unknown)}`,
      'Keep your own rules in a table of your own: svc2nft apply removes unknown chains.',
    );
  }
  const families = [...new Set(own.map(({ family }) => family))];
  return ok(`table ${table} exists for ${listWords(families)} (${countChains(own)})`);
}

/**
 * Whether other tables have svc2nft's base chains: those of a second svc2nft, or of a program derived from kube-proxy; or whether
 * there are rules of svc2nft for iptables beside its table. The tables of kube-proxy itself have a check of their own.
 */
export function checkSameRules({ table, chains }: Pick<Facts, 'table' | 'chains'>): Judgment {
  if (isNftError(chains)) {
    return note('could not check for other tables that translate Services', chains.advice);
  }
  const tables = checkOtherTables(table, chains);
  const hasOwn = chains.some((chain) => chain.table === table && isServedFamily(chain));
  return tables.status === 'ok' && hasOwn && checkOwnIptables(chains).status === 'problem'
    ? checkOwnIptables(chains)
    : tables;
}

function checkOtherTables(table: string, chains: readonly ChainFact[]): Judgment {
  const tables = tablesLikeOwn(chains, [table, 'kube-proxy']);
  const verbs = tables.length === 1 ? ['has', 'translates'] : ['have', 'translate'];
  return tables.length === 0
    ? ok('no other table has the base chains of svc2nft')
    : problem(
        `${listWords(tables)} ${verbs[0]} the base chains of svc2nft and also ${verbs[1]} Services; the table loaded last wins`,
        'Remove the table that you do not need: svc2nft clean --table NAME.',
      );
}

/** Tables with the chains of svc2nft, `table ip svc2nft`, but for those of some names. */
function tablesLikeOwn(chains: readonly ChainFact[], except: readonly string[]): string[] {
  const isDispatcher = (chain: ChainFact): boolean => chain.name === 'services' && chain.hook === undefined;
  return chains
    .filter(
      (chain) =>
        chain.name === 'nat-prerouting' &&
        chain.type === 'nat' &&
        !(isServedFamily(chain) && except.includes(chain.table)) &&
        chains.some((other) => isDispatcher(other) && other.table === chain.table && other.family === chain.family),
    )
    .map(({ family, table }) => `table ${family} ${table}`);
}

function isServedFamily({ family, legacy }: ChainFact): boolean {
  return !legacy && (family === 'ip' || family === 'ip6');
}

function countChains({ length }: readonly ChainFact[]): string {
  return countOf(length, 'chain');
}

/** The first few names, which usually tell whose chains they are. */
function nameSome(chains: readonly ChainFact[]): string {
  const names = chains.slice(0, 5).map(({ name }) => name);
  return chains.length > names.length ? `${names.join(', ')}, ...` : names.join(', ');
}
