import type { EndpointAddress } from '../../net/network.ts';
import type { Chain, Hook, Rule, Ruleset, Statement } from '../../nft/ruleset.ts';
import type { Packet } from '../../walk/fate.ts';
import { indexRuleset } from '../../walk/index-ruleset.ts';
import type { HookedChain, IndexedRuleset } from '../../walk/lookup-tables.ts';
import type { ProxyKind } from '../verify/proxy-model.ts';
import { type FatesOf, fatesOfRules, type ProxyFate } from './proxy-fate.ts';

/**
 * The rules of other programs among rules of iptables: what is left when a proxy removes its own chains, and with them the
 * jumps to them. KUBE-FIREWALL stays, because kubelet has it as well. Undefined if no built-in chain is left with rules.
 */
export function withoutProxy(ruleset: Ruleset): Ruleset | undefined {
  if (ruleset.language !== 'iptables') {
    return undefined;
  }
  const own = new Set(ruleset.chains.flatMap(({ name }) => (isOfProxy(name) ? [name] : [])));
  const chains = ruleset.chains.filter(({ name }) => !own.has(name)).map((chain) => withoutJumps(chain, own));
  return chains.some(({ hook, rules }) => hook && rules.length > 0) ? { ...ruleset, chains } : undefined;
}

/** `nat KUBE-SVC-I5LIAMPLWKMBJ54B`: a chain of kube-proxy, or of svc2nft. */
function isOfProxy(name: string): boolean {
  return proxyChains.test(name.slice(name.indexOf(' ') + 1));
}

const proxyChains =
  /^(SVC2NFT-.*|KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|POSTROUTING|MARK-MASQ|MARK-DROP|FORWARD|PROXY-FIREWALL|PROXY-CANARY|(SVC|SVL|SEP|EXT|FW|XLB)-[A-Z2-7]{16}))$/;

function withoutJumps(chain: Chain, own: ReadonlySet<string>): Chain {
  const leads = (rule: Rule): boolean => rule.some((statement) => 'chain' in statement && own.has(statement.chain));
  const kept = chain.rules.flatMap((rule, index) => (leads(rule) ? [] : [index]));
  return {
    ...chain,
    rules: kept.map((index) => chain.rules[index] ?? []),
    ...(chain.lines && { lines: kept.map((index) => chain.lines?.[index] ?? '') }),
  };
}

/** Rules of a proxy for iptables, with those of others in the same chains: its own jumps come first. */
export function mergeIptables(own: Ruleset, others: Ruleset): Ruleset {
  const known = new Map(own.chains.map((chain) => [chain.name, chain]));
  const merged = others.chains.map((chain): Chain => {
    const { rules = [], lines = [] } = known.get(chain.name) ?? {};
    return { ...chain, rules: [...rules, ...chain.rules], lines: [...lines, ...(chain.lines ?? [])] };
  });
  const names = new Set(others.chains.map(({ name }) => name));
  return {
    ...own,
    sets: [...own.sets, ...others.sets],
    chains: [...merged, ...own.chains.filter(({ name }) => !names.has(name))],
  };
}

/** Rules of a proxy, with those of others in the same hooks: of two chains with one priority, the proxy's comes first. */
export function mergeRulesets(own: IndexedRuleset, others: IndexedRuleset): IndexedRuleset {
  const merge = (hook: Hook['hook']): HookedChain[] =>
    [...own.hooks[hook], ...others.hooks[hook]].sort((a, b) => a.hook.priority - b.hook.priority);
  return {
    family: own.family,
    sets: new Map([...others.sets, ...own.sets]),
    chains: new Map([...others.chains, ...own.chains]),
    hooks: {
      prerouting: merge('prerouting'),
      input: merge('input'),
      forward: merge('forward'),
      output: merge('output'),
      postrouting: merge('postrouting'),
    },
    nextRules: new Map([...others.nextRules, ...own.nextRules]),
  };
}

/** How predicted fates meet the rules of others. */
interface Meeting {
  readonly proxy: ProxyKind;
  readonly others: IndexedRuleset;
  /** The bit of the mark that requests masquerading. */
  readonly mark: number;
  /** Health check node ports, which rules for iptables accept. */
  readonly healthCheckPorts: readonly number[];
  readonly localAddresses: readonly string[];
}

/**
 * The fates that rules of others leave of predicted ones. Each fate becomes a few rules that do just that to the packet, ahead
 * of those of others, and the packet is walked through both. What chance refuses in part stays as predicted.
 */
export function fatesAmongOthers(fatesOf: FatesOf, meeting: Meeting): FatesOf {
  return (packet) =>
    fatesOf(packet).flatMap((fate) => {
      if (fate.verdict === 'mixed') {
        return [fate];
      }
      const walked = fatesOfRules(mergeFate(packet, fate, meeting), meeting.localAddresses)(packet);
      return walked.map((one) => ({
        ...one,
        affinity: one.endpoints.length > 1 ? fate.affinity : null,
        markChange: fate.markChange,
      }));
    });
}

/** The rules of others, with those that give one packet its fate. */
function mergeFate(packet: Packet, fate: ProxyFate, meeting: Meeting): IndexedRuleset {
  const { proxy, others, mark, healthCheckPorts, localAddresses } = meeting;
  const endpoints = endpointsOf(fate, localAddresses);
  const translation = translationOf(packet, endpoints, mark);
  const refusal = refusalOf(packet, fate);
  const chain = (hook: Hook['hook'], rules: readonly Rule[]): Chain => {
    const priority = hook === 'postrouting' ? 100 : -100;
    return { name: `proxy in ${hook}`, hook: { type: 'nat', hook, priority }, rules };
  };
  const nat = [
    chain('prerouting', translation.rules),
    chain('output', translation.rules),
    chain('postrouting', masqueradingOf(packet, endpoints, mark)),
    ...translation.chains,
  ];
  const usesIptables = proxy === 'kube-proxy-iptables' || proxy === 'svc2nft-iptables';
  const acceptsCheck = usesIptables && packet.protocol === 'tcp' && healthCheckPorts.includes(packet.port);
  const accept: Rule = [{ kind: 'accept' }];
  const filter = {
    input: [...(acceptsCheck ? [accept] : []), ...refusal],
    forward: [...refusal, ...(usesIptables ? [[{ kind: 'match-mark', mark } as const, ...accept]] : [])],
    output: refusal,
  };
  const { family } = others;
  const own = indexRuleset({ family, table: proxy, comment: '', sets: [], chains: nat });
  const merged = mergeRulesets(own, others);
  const first = (hook: keyof typeof filter): readonly HookedChain[] => prepend(filter[hook], hook, merged.hooks[hook]);
  return {
    ...merged,
    hooks: { ...merged.hooks, input: first('input'), forward: first('forward'), output: first('output') },
  };
}

/** Chains of one hook, with rules ahead of those of the table filter: what they accept ends that table. */
function prepend(rules: readonly Rule[], hook: Hook['hook'], chains: readonly HookedChain[]): readonly HookedChain[] {
  const name = `filter ${hook.toUpperCase()}`;
  const known = chains.find((chain) => chain.name === name);
  const own = { name, hook: { type: 'filter', hook, priority: 0 }, rules } as const;
  return known
    ? chains.map((chain) => (chain === known ? { ...known, rules: [...rules, ...known.rules] } : chain))
    : [...chains, own].sort((a, b) => a.hook.priority - b.hook.priority);
}

/** An endpoint, and whether packets to it carry the mark: they do also where they stay on the node, as far as that is known. */
interface MarkedEndpoint extends EndpointAddress {
  readonly masqueraded: boolean;
  readonly isMarked: boolean;
}

function endpointsOf({ endpoints }: ProxyFate, localAddresses: readonly string[]): MarkedEndpoint[] {
  const all = endpoints.map(({ endpoint, masqueraded }) => ({
    ...addressOf(endpoint),
    masqueraded: masqueraded === true,
  }));
  const leaving = all.filter(({ address }) => !localAddresses.includes(address));
  const areMarked = leaving.length > 0 && leaving.every(({ masqueraded }) => masqueraded);
  return all.map((one) => ({
    ...one,
    isMarked: one.masqueraded || (areMarked && localAddresses.includes(one.address)),
  }));
}

/** A chain for each endpoint, which chance picks from. */
function translationOf(
  { protocol }: Packet,
  endpoints: readonly MarkedEndpoint[],
  mark: number,
): { readonly rules: readonly Rule[]; readonly chains: readonly Chain[] } {
  const chains = endpoints.map(({ address, port, isMarked }, index): Chain => {
    const marked: Statement[] = isMarked ? [{ kind: 'set-mark', operator: 'or', mark }] : [];
    return { name: `proxy to ${index}`, rules: [[...marked, { kind: 'dnat', protocol, address, port }]] };
  });
  const names = chains.map(({ name }) => name);
  return { rules: names.length > 0 ? [[{ kind: 'random-goto', chains: names }]] : [], chains };
}

/** `10.1.1.1:80`, `[fd00::1]:80` */
function addressOf(endpoint: string): EndpointAddress {
  const colon = endpoint.lastIndexOf(':');
  return { address: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)) };
}

function refusalOf({ protocol }: Packet, { verdict, answer }: ProxyFate): Rule[] {
  switch (verdict) {
    case 'rejected':
      return [[{ kind: answer === 'tcp-reset' && protocol === 'tcp' ? 'tcp-reset' : 'reject' }]];
    case 'dropped':
      return [[{ kind: 'drop' }]];
    default:
      return [];
  }
}

function masqueradingOf({ protocol }: Packet, endpoints: readonly MarkedEndpoint[], mark: number): Rule[] {
  return endpoints
    .filter(({ masqueraded }) => masqueraded)
    .map(({ address, port }): Rule => {
      return [
        { kind: 'match', left: { kind: 'address', field: 'daddr' }, right: address },
        { kind: 'match', left: { kind: 'dport', protocol }, right: port },
        { kind: 'set-mark', operator: 'xor', mark },
        { kind: 'masquerade' },
      ];
    });
}
