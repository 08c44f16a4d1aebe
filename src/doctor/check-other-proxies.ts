import { isNftError } from '../apply/read-table.ts';
import { listWords } from '../describe-value.ts';
import type { ChainFact, Facts, UnreadTables } from './facts.ts';
import { type Judgement, note, ok, problem, warning } from './finding.ts';
import { interfacesOf } from './interfaces-of.ts';

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
