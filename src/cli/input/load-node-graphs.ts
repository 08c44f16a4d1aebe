import { compileRulesets } from '../../compile.ts';
import type { Document } from '../../diagnostics/document.ts';
import { buildGraph, type GraphSources, type IsSelected } from '../../inspect/graph/build-graph.ts';
import type { NodeGraph, PageContent } from '../../inspect/graph/write-page.ts';
import { compareText, escapeControls } from '../../lib/text.ts';
import { isMapping, mappingIn } from '../../lib/unknown-values.ts';
import { clusterWords, namesCluster } from '../flags/cluster-flags.ts';
import type { SnapshotFlags } from '../flags/compile-flags.ts';
import { resolveWords } from '../flags/resolve-flags.ts';
import type { Cluster } from './load-cluster.ts';

/** The most nodes of a page. */
const mostNodes = 50;

/** The most service ports and endpoints of all nodes of a page together: some megabytes, and some seconds to compile. */
const mostParts = 200_000;

/** The flags that a graph and its explanations share. */
type ExplainedFlags = SnapshotFlags & { readonly ruleset?: string };

/** What graphs of other nodes are made from. */
interface NodeGraphRequest {
  /** That of the node that was asked for. */
  readonly first: NodeGraph['graph'];
  readonly cluster: Cluster;
  readonly sources: Omit<GraphSources, 'views' | 'rulesets'>;
  readonly isSelected: IsSelected;
  readonly paths: readonly string[];
  readonly flags: ExplainedFlags;
}

/**
 * The graphs of a page: that of the node that was asked for, and those of the snapshot's other nodes, sorted by name, as
 * many as fit. Address and zone of the node that flags give are not those of the others.
 */
export function loadNodeGraphs({ first, cluster, sources, isSelected, paths, flags }: NodeGraphRequest): PageContent {
  const { documents, options } = cluster;
  const others = nodeNamesOf(documents).filter((name) => name !== first.nodeName);
  const size = first.servicePorts.reduce((sum, { endpoints }) => sum + 1 + endpoints.length, 0);
  const room = Math.min(mostNodes, Math.floor(mostParts / Math.max(1, size))) - 1;
  const { nodeIp, zone, ...common } = flags;
  const { zone: ownZone, bindAddress, ...commonOptions } = options;
  const graphs = others.slice(0, Math.max(0, room)).flatMap((nodeName): NodeGraph[] => {
    const { views, rulesets } = compileRulesets(documents, { ...commonOptions, nodeAddresses: [], nodeName });
    return rulesets
      ? [
          {
            graph: buildGraph({ ...sources, views, rulesets }, isSelected),
            explain: explainCommandOf(paths, { ...common, node: nodeName }),
          },
        ]
      : [];
  });
  const own = first.nodeName === '' ? flags : { ...flags, node: first.nodeName };
  return {
    source: sourceOf(paths, cluster),
    graphs: [{ graph: first, explain: explainCommandOf(paths, own) }, ...graphs],
    otherNodes: others.length - graphs.length,
  };
}

/** What the page is drawn from: names of files, or the address of a cluster. */
function sourceOf(paths: readonly string[], { documents }: Cluster): string {
  const name = (path: string): string => (path === '-' ? 'stdin' : escapeControls(path));
  const [first] = documents;
  return paths.length > 0 ? paths.map(name).join(', ') : name(first?.source.file.replace('<stdin>', '-') ?? '-');
}

function nodeNamesOf(documents: readonly Document[]): string[] {
  const names = documents.flatMap(({ value }) => {
    const name = isMapping(value) && value['kind'] === 'Node' ? mappingIn(value, 'metadata')['name'] : undefined;
    return typeof name === 'string' ? [name] : [];
  });
  return [...new Set(names)].sort(compareText);
}

/** The command that explains packets with the same snapshot and options, for POSIX shells, without --from and --to. */
export function explainCommandOf(paths: readonly string[], flags: ExplainedFlags): string {
  const list = (flag: string, values: readonly string[] | undefined): string[] =>
    values === undefined ? [] : [flag, values.join(',')];
  const one = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value]);
  const words = [
    'svc2nft',
    'explain',
    ...(paths.length === 0 && !namesCluster(flags) && flags.ruleset === undefined ? ['-'] : paths),
    ...clusterWords(flags),
    ...resolveWords(flags),
    ...one('--config', flags.config),
    ...(flags.keepGoing ? ['--keep-going'] : []),
    ...one('--node', flags.node),
    ...list('--node-ip', flags.nodeIp),
    ...one('--zone', flags.zone),
    ...list('--cluster-cidr', flags.clusterCidr),
    ...list('--nodeport-addresses', flags.nodeportAddresses),
    ...(flags.masqueradeAll ? ['--masquerade-all'] : []),
    ...one('--table', flags.table),
    ...one('--family', flags.family),
    ...one('--target-nft', flags.targetNft),
    ...one('--ruleset', flags.ruleset),
  ];
  return words.map(quoteWord).join(' ');
}

/** Control characters as escapes, so that pasting a command never runs a part of it. */
function quoteWord(word: string): string {
  if (/^[-\w./:,@%+=]+$/.test(word)) {
    return word;
  }
  if (!/[\p{Cc}']/u.test(word)) {
    return `'${word}'`;
  }
  const escaped = word.replace(
    /[\p{Cc}\\']/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `$'${escaped}'`;
}
