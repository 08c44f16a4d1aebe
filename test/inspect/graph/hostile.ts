import type { Graph } from '../../../src/inspect/graph/graph.ts';

/** Escape sequences of every language that a graph is written in, with a word to look for. */
export const hostileTexts: readonly string[] = [
  '</script><script>window.hacked=1</script>',
  '<img src=x onerror="window.hacked=1">',
  '"] --> x["hacked',
  '"]; hacked [label="x',
  '\\"; hacked; \\"',
  '\\N \\G \\lhacked',
  '&lt;hacked&gt; &quot; &#34;',
  '`**hacked**`',
  '%%{init: {"theme":"hacked"}}%%',
  'hacked\nend\nsubgraph x\n',
  '\u2028hacked\u2029',
  '\u202ehacked\u202c',
  '<!--<script>hacked',
  '#quot;hacked;',
  '| hacked |',
];

/** A graph with one hostile text wherever a text stands; the compiler would let few of them through. */
export function hostileGraph(text: string): Graph {
  return {
    nodeName: text,
    zone: text,
    nodePortAddresses: { ip: '192.0.2.11' },
    unserved: [{ namespace: `u${text}`, name: text, reason: text }],
    servicePorts: [
      {
        family: 'ip',
        namespace: `n${text}`,
        name: `s${text}`,
        portName: text,
        protocol: 'tcp',
        port: 80,
        affinitySeconds: 0,
        frontends: [{ kind: 'ClusterIP', address: text, heldBy: text, sourceRanges: [text, text], routes: [0] }],
        routes: [
          { clients: text, endpoints: 1, refusal: null, reason: '' },
          { clients: text, endpoints: 0, refusal: 'dropped', reason: text },
        ],
        endpoints: [
          {
            endpointAddress: text,
            pod: text,
            nodeName: text,
            zone: text,
            local: true,
            state: 'ready',
            routes: [0],
            leftOut: '',
          },
          {
            endpointAddress: `2${text}`,
            pod: text,
            nodeName: '',
            zone: '',
            local: false,
            state: 'not ready',
            routes: [],
            leftOut: text,
          },
        ],
      },
    ],
  };
}
