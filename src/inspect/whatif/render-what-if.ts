import { compareText, countOf, escapeControls, limitList, listSome } from '../../lib/text.ts';
import type {
  ClientEffect,
  Clients,
  PortChange,
  ShareChange,
  Shift,
  Treatment,
  TreatmentChange,
  WhatIf,
} from './what-if.ts';

/** How the text is laid out. */
interface Layout {
  /** Service ports of a section at most. */
  readonly limit: number;
}

/** What changes as text, the worst first: a heading for each effect, and a line for each service port and what is different there. */
export function renderWhatIf(whatIf: WhatIf, { limit }: Layout): string[] {
  const { changes, items, crossZone } = whatIf;
  const summary = [changes.map(({ text }) => escapeControls(text)).join(', '), ...countLines(whatIf)];
  const parts = sections.flatMap((section) => renderSection(section, items, { limit }));
  return [
    ...summary,
    ...(items.length === 0 ? ['', 'Nothing changes for any client.'] : parts),
    ...notesOf(whatIf),
    ...crossZoneLines(crossZone),
  ];
}

function countLines({ nodes, pods, items, servicePorts }: WhatIf): string[] {
  const lost =
    nodes.lost.length > 0
      ? `: ${listSome(nodes.lost.map(escapeControls), 5)} ${nodes.lost.length === 1 ? 'is' : 'are'} gone`
      : '';
  const moved = pods && pods.gone + pods.created > 0 ? `: ${pods.gone} gone, ${pods.created} new` : '';
  const ports = new Set(items.map(nameOfPort)).size;
  return [
    ...(nodes.before === nodes.after && lost === '' ? [] : [`  Nodes  ${nodes.before} -> ${nodes.after}${lost}`]),
    ...(pods && (pods.before !== pods.after || moved !== '')
      ? [`  Pods   ${pods.before} -> ${pods.after}${moved}`]
      : []),
    ...(items.length > 0
      ? [
          `  ${countOf(ports, 'service port')} of ${new Intl.NumberFormat('en').format(Math.max(servicePorts.before, servicePorts.after))} ${ports === 1 ? 'changes' : 'change'} for some clients`,
        ]
      : []),
  ];
}

/** `shop/web:http`; protocols other than TCP are added. */
function nameOfPort({ namespace, service, portName, protocol }: PortChange): string {
  const port = portName === '' ? '' : `:${portName}`;
  return `${namespace}/${service}${port}${protocol === 'tcp' ? '' : `/${protocol}`}`;
}

interface Section {
  readonly effects: readonly ClientEffect[];
  readonly title: string;
  /** What is said of a service port, nothing if it is said elsewhere. */
  readonly linesOf: (item: PortChange) => readonly string[];
}

const sections: readonly Section[] = [
  {
    effects: ['outage'],
    title: 'Without any endpoint: refused everywhere',
    linesOf: ({ broken }) => {
      const share = Math.max(broken.internal ?? 0, broken.external ?? 0);
      return [share > 0 ? `${percentText(share)} of existing connections break` : 'existing connections go on'];
    },
  },
  {
    effects: ['partial-outage'],
    title: 'Without an endpoint for some clients',
    linesOf: ({ treatments }) =>
      treatments
        .filter(
          ({ before, after }) =>
            before.verdict === 'served' && (after.verdict === 'refused' || after.verdict === 'dropped'),
        )
        .map(
          (one) => `${clientsText(one)}: ${verdictText(one.after)} (was ${countOf(one.before.endpoints, 'endpoint')})`,
        ),
  },
  {
    effects: ['frontend-removed'],
    title: 'Addresses and ports removed',
    linesOf: ({ frontendsRemoved }) => [frontendsRemoved.join(', ')],
  },
  {
    effects: ['source-lost'],
    title: 'Client addresses lost: endpoints see that of a node',
    linesOf: ({ treatments }) =>
      treatments
        .filter(({ before, after }) => before.keepsSource === true && after.keepsSource === false)
        .map(clientsText),
  },
  {
    effects: ['affinity-lost'],
    title: 'Affinity lost: each connection may go to another endpoint',
    linesOf: ({ affinitySeconds }) => [`ClientIP, ${affinitySeconds.before.toLocaleString('en')} s until now`],
  },
  {
    effects: ['connections-broken'],
    title: 'Existing connections that break, because their endpoint goes',
    linesOf: (item) => (item.effects[0] === 'outage' ? [] : [brokenText(item)]),
  },
  {
    effects: ['source-ranges'],
    title: 'Load balancers admit other sources',
    linesOf: ({ sourceRanges: { before, after } }) => [`${rangesText(before)} -> ${rangesText(after)}`],
  },
  { effects: ['shares', 'cross-zone'], title: 'Shares of new connections', linesOf: shareLines },
  {
    effects: ['served-again'],
    title: 'Served now, but not before',
    linesOf: ({ treatments }) =>
      treatments
        .filter(
          ({ before, after }) =>
            after.verdict === 'served' && (before.verdict === 'refused' || before.verdict === 'dropped'),
        )
        .map((one) => `${clientsText(one)}: ${countOf(one.after.endpoints, 'endpoint')} (was ${one.before.verdict})`),
  },
  {
    effects: ['frontend-added'],
    title: 'Addresses and ports added',
    linesOf: ({ frontendsAdded }) => [frontendsAdded.join(', ')],
  },
  {
    effects: ['source-kept'],
    title: 'Client addresses kept: endpoints see them',
    linesOf: ({ treatments }) =>
      treatments
        .filter(({ before, after }) => before.keepsSource === false && after.keepsSource === true)
        .map(clientsText),
  },
  {
    effects: ['affinity-gained'],
    title: 'Affinity: clients keep their endpoint',
    linesOf: ({ affinitySeconds }) => [`ClientIP, ${affinitySeconds.after.toLocaleString('en')} s`],
  },
];

/** A line for each service port, and for each thing that is said of it; what is the same in both families, once. */
function renderSection(
  { effects, title, linesOf }: Section,
  items: readonly PortChange[],
  { limit }: Layout,
): string[] {
  const concerned = items.filter((item) => effects.some((effect) => item.effects.includes(effect)));
  const texts = new Map<string, Set<string>>();
  for (const item of concerned) {
    const name = nameOfPort(item);
    const known = texts.get(name) ?? new Set<string>();
    for (const line of linesOf(item)) {
      texts.set(name, known.add(line));
    }
  }
  const shown = [...texts].slice(0, limit);
  const width = shown.reduce((widest, [name]) => Math.max(widest, name.length), 0);
  const lines = shown.flatMap(([name, said]) =>
    [...said].map(
      (line, index) => `  ${(index === 0 ? escapeControls(name) : '').padEnd(width)}  ${escapeControls(line)}`,
    ),
  );
  const others = texts.size - shown.length;
  return lines.length === 0
    ? []
    : ['', title, ...lines, ...(others > 0 ? [`  and ${others.toLocaleString('en')} more`] : [])];
}

/** `external clients via node-2`, `Pods and nodes everywhere`. */
function clientsText({ clients, nodes, isEverywhere }: TreatmentChange): string {
  const who = clients === 'internal' ? 'Pods and nodes' : 'external clients';
  if (isEverywhere) {
    return clients === 'internal' ? `${who} everywhere` : `${who} via any node`;
  }
  const some = listSome(limitList(nodes, 4), 5);
  const own = nodes.length === 1 ? 'this node' : 'these nodes';
  return clients === 'internal' ? `Pods on ${some}, and ${own}` : `${who} via ${some}`;
}

function verdictText({ verdict }: Treatment): string {
  return verdict === 'dropped' ? 'dropped, no endpoint on the node' : verdict;
}

/** How many endpoints a line names. */
const shownEndpoints = 3;

function brokenText({ broken, shares, affinitySeconds }: PortChange): string {
  const { internal, external } = broken;
  const isSame = internal === null || external === null || percentText(internal) === percentText(external);
  const share = isSame
    ? percentText(internal ?? external ?? 0)
    : `${percentText(internal)} of Pods and nodes, ${percentText(external)} of external clients`;
  const gone = [...new Set(shares.filter((one) => one.gone).map(endpointName))].sort(compareText);
  const pinned = affinitySeconds.after > 0 ? '; clients with affinity to it get another endpoint' : '';
  return `${share}: ${listSome(limitList(gone, shownEndpoints), shownEndpoints + 1)}${pinned}`;
}

function endpointName({ endpoint, pod, node }: ShareChange): string {
  const name = pod === '' ? endpoint : pod;
  return node === '' ? name : `${name} on ${node}`;
}

function rangesText(ranges: readonly string[]): string {
  return ranges.length === 0 ? 'all' : listSome(limitList(ranges, 4), 5);
}

/** How the endpoints that stay share connections, and how many of these leave their zone. */
function shareLines({ shares, crossZone, treatments }: PortChange): string[] {
  const textFor = (clients: Clients): string | undefined => {
    const own = shares.filter((share) => share.clients === clients);
    const stay = own.filter(({ before, after }) => before > 0 && after > 0);
    const fresh = own.filter(({ before, after }) => before === 0 && after > 0);
    const gone = own.filter(({ before, after }) => before > 0 && after === 0);
    // Else each that goes has a successor, or there were none.
    return stay.length > 0 ? sharesText(clients, { stay, fresh, gone }, treatments) : undefined;
  };
  const [internal, external] = [textFor('internal'), textFor('external')];
  return [
    ...(internal === undefined ? [] : [`${internal === external ? 'all clients' : 'Pods and nodes'}: ${internal}`]),
    ...(external === undefined || external === internal ? [] : [`external clients: ${external}`]),
    ...(isShift(crossZone) ? [`to other zones: ${shiftText(crossZone)}`] : []),
  ];
}

interface ShareGroups {
  readonly stay: readonly ShareChange[];
  readonly fresh: readonly ShareChange[];
  readonly gone: readonly ShareChange[];
}

/** `5 endpoints, 20% each -> 4 endpoints, 25% each`; where they are not even, those of the busiest endpoints. */
function sharesText(
  clients: Clients,
  { stay, fresh, gone }: ShareGroups,
  treatments: readonly TreatmentChange[],
): string {
  const own = treatments.filter((one) => one.clients === clients);
  const [only] = own;
  const isEven = (values: readonly number[]): boolean =>
    values.every((value) => Math.abs(value - (values[0] ?? 0)) < 1e-9);
  const before = [...stay, ...gone].map((share) => share.before);
  const after = [...stay, ...fresh].map((share) => share.after);
  if (own.length === 1 && only?.isEverywhere && isEven(before) && isEven(after)) {
    return `${evenText(only.before.endpoints)} -> ${evenText(only.after.endpoints)}`;
  }
  const busiest = [...stay, ...fresh].sort((a, b) => b.after - a.after || compareText(a.endpoint, b.endpoint));
  const texts = busiest.map(
    (share) => `${endpointName(share)} ${percentText(share.before)} -> ${percentText(share.after)}`,
  );
  return listSome(limitList(texts, shownEndpoints), shownEndpoints + 1);
}

function evenText(endpoints: number): string {
  return `${countOf(endpoints, 'endpoint')}${endpoints > 1 ? `, ${percentText(1 / endpoints)} each` : ''}`;
}

function isShift({ before, after }: Shift): boolean {
  return before !== null && after !== null && percentText(before) !== percentText(after);
}

function shiftText({ before, after }: Shift): string {
  const text = (share: number | null): string => (share === null ? 'none' : percentText(share));
  return text(before) === text(after) ? text(before) : `${text(before)} -> ${text(after)}`;
}

/** `33%`; what is not all or nothing is neither 0% nor 100%. */
function percentText(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0 && share > 1e-9) {
    return '<1%';
  }
  return percent === 100 && share < 1 - 1e-9 ? '>99%' : `${percent}%`;
}

/** What happens meanwhile, which depends on what is done: a paragraph each. */
function notesOf({ changes, items, pods }: WhatIf): string[] {
  const kinds = changes.map(({ kind }) => kind);
  const breaks = items.some((item) => item.effects.includes('connections-broken'));
  const movesLocal = items.some(({ treatments }) =>
    treatments.some(
      ({ clients, before, after }) =>
        clients === 'external' && before.verdict === 'served' && after.verdict === 'dropped',
    ),
  );
  return [
    ...(kinds.includes('drain') && pods === null
      ? [
          'The input has no Pods, so what runs on the node counts as gone: with Pods, those that something controls move to other nodes.',
        ]
      : []),
    ...(movesLocal
      ? [
          'A load balancer that follows the health checks of externalTrafficPolicy Local avoids nodes without endpoints, some checks later.',
        ]
      : []),
    ...(breaks && (kinds.includes('drain') || kinds.includes('scale'))
      ? [
          'Pods that are deleted terminate first: new connections go elsewhere at once, those of TCP go on until the Pod ends (terminationGracePeriodSeconds). UDP flows go elsewhere at once.',
        ]
      : []),
    ...(breaks && kinds.includes('lose-zone')
      ? [
          'Nodes of a lost zone fail without notice: existing connections hang, and new ones too, until the control plane has noticed (about a minute). Pods are recreated elsewhere after 5 minutes, which is not shown.',
        ]
      : []),
  ].flatMap((note) => ['', note]);
}

function crossZoneLines({ before, after, zones }: WhatIf['crossZone']): string[] {
  if (before === null && after === null) {
    return [];
  }
  const shown = zones.map((one) => `  from ${escapeControls(one.zone)}  ${shiftText(one)}`);
  return ['', `New connections of Pods and nodes to other zones: ${shiftText({ before, after })}`, ...shown];
}
