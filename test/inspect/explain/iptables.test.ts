import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compileRulesets } from '../../../src/compile.ts';
import { answerInquiry } from '../../../src/inspect/explain/answer-inquiry.ts';
import type { Answer } from '../../../src/inspect/explain/explanation.ts';
import type { SnapshotFacts } from '../../../src/inspect/explain/make-question.ts';
import { parseClient, parseTarget } from '../../../src/inspect/explain/parse-names.ts';
import { renderAnswer } from '../../../src/inspect/explain/render-explanation.ts';
import { readIptables } from '../../../src/iptables/read-iptables.ts';
import { readEndpointSources } from '../../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../../src/kubernetes/service-notes.ts';
import { withDefaults } from '../../../src/options.ts';
import { documentsOf } from '../../../src/phases/1-read/read-documents.ts';
import { serviceChainNames } from '../../../src/phases/5-plan-iptables/iptables-names.ts';
import type { Memory } from '../../../src/walk/fate.ts';
import { saved } from '../../iptables/saved-rules.ts';
import { filesOf } from '../../support/kube-proxy-table.ts';
import { service, slice } from '../../support/small-cluster.ts';

interface Given {
  readonly memory?: Memory;
  readonly snapshot?: SnapshotFacts;
}

function ask(text: string, from: string, to: string, { memory, snapshot }: Given = {}): Answer {
  const [client, target] = [parseClient(from), parseTarget(to)];
  if (typeof client === 'string' || typeof target === 'string') {
    throw new Error(`${from} ${to}`);
  }
  const tables = readIptables(text).map(
    ({ ruleset }) => [ruleset.family, { ruleset, ...(memory && { memory }) }] as const,
  );
  const reply = answerInquiry({
    ...{ client, target, namespace: undefined, inputInterface: undefined },
    tables: new Map(tables),
    ownAddresses: ['192.0.2.11', '2001:db8:a::11'],
    snapshot,
  });
  if (typeof reply === 'string') {
    throw new Error(reply);
  }
  return reply.answer;
}

function render(answer: Answer): string[] {
  return renderAnswer(answer, { allRules: true, limit: 20, width: 400, color: false, keepsHeadline: true });
}

/** The lines that quote rules. */
function rulesIn(answer: Answer): string[] {
  return render(answer).flatMap((line) => /table .*: -.*/.exec(line)?.[0] ?? []);
}

const ofKubeProxy = readFileSync(filesOf('every-kind-of-frontend').iptables, 'utf8');

/** One Service with one endpoint, as kube-proxy writes it, and rules of others. */
function withOthers(others: Readonly<Record<string, readonly string[]>>): string {
  const nat = [
    '-A PREROUTING -j KUBE-SERVICES',
    '-A OUTPUT -j KUBE-SERVICES',
    '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA',
    '-A KUBE-SVC-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http -> 10.244.1.5:8080" -j KUBE-SEP-BBBBBBBBBBBBBBBB',
    '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m comment --comment "shop/web:http" -m tcp -j DNAT --to-destination 10.244.1.5:8080',
  ];
  return saved({ ...others, nat: [...nat, ...(others['nat'] ?? [])] });
}

describe('rules of kube-proxy, without a snapshot', () => {
  test.each([
    ['outside', '10.96.0.10:80', 'cluster-ip', 'ClusterIP', 'shop/web:http'],
    ['outside', '192.0.2.11:30080', 'node-port', 'NodePort', 'shop/web:http'],
  ])('from %s to %s: %s', (from, to, code, type, name) => {
    const { reason, service: found, endpoints } = ask(ofKubeProxy, from, to);
    expect([reason.code, found]).toEqual([code, { name, type }]);
    expect(endpoints.map(({ share }) => share)).toEqual(
      endpoints.map(() => ({ numerator: 1, denominator: endpoints.length })),
    );
  });

  test('a Service is found by the names in comments, with all its frontends', () => {
    const { frontends } = ask(ofKubeProxy, 'outside', 'shop/web');
    expect(frontends.length).toBeGreaterThan(2);
    expect(frontends.every(({ verdict }) => verdict === 'translated')).toBe(true);
  });

  test('each decision quotes its rule as iptables-save prints it', () => {
    const answer = ask(ofKubeProxy, '203.0.113.9', '10.96.0.10:80');
    const rules = rulesIn(answer);
    expect(rules[0]).toMatch(/^table nat: -A KUBE-SERVICES -d 10\.96\.0\.10\/32 -p tcp .* -j KUBE-SVC-[A-Z2-7]{16}$/);
    expect(rules[1]).toMatch(
      /^table nat: -A KUBE-SVC-[A-Z2-7]{16} .* -m statistic --mode random --probability 0\.33333333349 -j KUBE-SEP-/,
    );
    expect(rules.at(-1)).toBe(
      'table nat: -A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    );
    for (const rule of rules) {
      expect(ofKubeProxy).toContain(`\n${rule.replace(/^table \w+: /, '')}\n`);
    }
  });

  test('a listed client keeps its endpoint', () => {
    const nat = [
      '-A PREROUTING -j KUBE-SERVICES',
      '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA',
      '-A KUBE-SVC-AAAAAAAAAAAAAAAA -m recent --rcheck --seconds 60 --reap --name KUBE-SEP-CCCCCCCCCCCCCCCC --rsource -j KUBE-SEP-CCCCCCCCCCCCCCCC',
      '-A KUBE-SVC-AAAAAAAAAAAAAAAA -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-BBBBBBBBBBBBBBBB',
      '-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-CCCCCCCCCCCCCCCC',
      '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080',
      '-A KUBE-SEP-CCCCCCCCCCCCCCCC -p tcp -m recent --set --name KUBE-SEP-CCCCCCCCCCCCCCCC --rsource -m tcp -j DNAT --to-destination 10.244.1.6:8080',
    ];
    const memory = new Map([['KUBE-SEP-CCCCCCCCCCCCCCCC', new Map([['203.0.113.9', { key: '203.0.113.9' }]])]]);
    const answer = ask(saved({ nat }), '203.0.113.9', '10.96.0.10:80', { memory });
    expect(answer.reason.text).toBe('sent to 10.244.1.6:8080, the endpoint of shop/web:http that the client keeps');
    expect(answer.steps.find(({ topic }) => topic === 'affinity')?.text).toContain('for 60 s after');
    expect(ask(saved({ nat }), '203.0.113.9', '10.96.0.10:80').endpoints).toHaveLength(2);
  });
});

describe('rules of other programs', () => {
  const to = '10.96.0.10:80';

  test.each([
    [
      '-A FORWARD -d 10.244.1.5/32 -j DROP',
      'dropped by a rule of another program, in chain FORWARD of table filter, on the way to the endpoint',
    ],
    [':FORWARD DROP [0:0]', 'dropped by the policy of chain FORWARD of table filter, on the way to the endpoint'],
    [
      '-A FORWARD -p tcp -j REJECT --reject-with tcp-reset',
      'rejected by a rule of another program, in chain FORWARD of table filter, on the way to the endpoint',
    ],
  ])('end the way of a packet: %s', (rule, text) => {
    const answer = ask(withOthers({ filter: [rule] }), 'outside', to);
    expect(answer.reason).toEqual({ code: 'foreign-rule', text });
    expect(rulesIn(answer).at(-1)).toBe(`table filter: ${rule.replace(/^:(\w+) (\w+).*/, '-P $1 $2')}`);
  });

  test('that are not understood make the answer uncertain only for packets that meet them, and are quoted', () => {
    const rule = '-A FORWARD -s 203.0.113.0/24 -m set --match-set blocked src -j DROP';
    const met = ask(withOthers({ filter: [rule] }), 'outside', to);
    expect(met.headline).toBe(
      'NOT CERTAIN (some rules are not understood): SENT to 10.244.1.5:8080, the only possible endpoint of shop/web:http',
    );
    expect(met.notUnderstood).toEqual([{ chain: 'filter FORWARD', rule: 0, line: rule }]);
    expect(render(met)).toContain(`  not understood ${rule.replace(/^/, 'table filter: ')}`);
    expect(ask(withOthers({ filter: [rule] }), '198.51.100.9', to).notUnderstood).toEqual([]);
  });

  test('masquerade and translate', () => {
    const masqueraded = ask(withOthers({ nat: ['-A POSTROUTING -d 10.244.0.0/16 -j MASQUERADE'] }), 'outside', to);
    expect(masqueraded.masqueraded).toBe(true);
    expect(masqueraded.steps.find(({ topic }) => topic === 'source')?.text).toBe(
      'masqueraded by a rule of another program, so the endpoint sees an address of the node',
    );
    const published = withOthers({
      nat: ['-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80'],
    });
    expect(ask(published, 'outside', '192.0.2.11:8080').reason).toEqual({
      code: 'foreign-rule',
      text: 'sent to 172.17.0.2:80 by a rule of another program, in chain nat PREROUTING',
    });
  });

  test('the kubelet keeps packets from elsewhere away from loopback addresses', () => {
    const rule = '! -s 127.0.0.0/8 -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP';
    const text = withOthers({ filter: ['-A INPUT -j KUBE-FIREWALL', `-A KUBE-FIREWALL ${rule}`] });
    expect(ask(text, 'outside', '127.0.0.1:9000').reason).toEqual({
      code: 'foreign-rule',
      text: 'packets from elsewhere to loopback addresses are dropped, unless they are translated',
    });
  });

  test('cannot put control characters on a terminal', () => {
    const rule = '-A FORWARD -m comment --comment "\u001b[31mred\u202e" -j DROP';
    const lines = render(ask(withOthers({ filter: [rule] }), 'outside', to));
    expect(['\u001b', '\u202e'].filter((character) => lines.join('').includes(character))).toEqual([]);
    expect(lines.join('\n')).toContain('\\u001b[31mred\\u202e');
  });
});

describe('rules of early versions of kube-proxy', () => {
  const filter = [
    '-A FORWARD -j KUBE-FIREWALL',
    '-A KUBE-FIREWALL -m comment --comment "kubernetes firewall for dropping marked packets" -m mark --mark 0x8000/0x8000 -j DROP',
  ];
  const nat = (...rules: readonly string[]): string =>
    saved({
      nat: [
        '-A PREROUTING -j KUBE-SERVICES',
        '-A KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000',
        '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
        ...rules,
      ],
      filter,
    });
  const lbRule =
    '-A KUBE-SERVICES -d 198.18.0.10/32 -p tcp -m comment --comment "shop/web:http loadbalancer IP" -m tcp --dport 80 -j';

  test('source ranges mark packets, which the kubelet drops', () => {
    const text = nat(
      `${lbRule} KUBE-FW-AAAAAAAAAAAAAAAA`,
      '-A KUBE-FW-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http loadbalancer IP" -j KUBE-MARK-MASQ',
      '-A KUBE-FW-AAAAAAAAAAAAAAAA -s 198.51.100.0/24 -m comment --comment "shop/web:http loadbalancer IP" -j KUBE-SVC-AAAAAAAAAAAAAAAA',
      '-A KUBE-FW-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http loadbalancer IP" -j KUBE-MARK-DROP',
      '-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-BBBBBBBBBBBBBBBB',
      '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080',
    );
    expect(ask(text, '203.0.113.9', '198.18.0.10:80')).toMatchObject({
      reason: { code: 'source-ranges', text: '203.0.113.9 is not in spec.loadBalancerSourceRanges' },
      service: { name: 'shop/web:http', type: 'LoadBalancer' },
    });
    expect(ask(text, '198.51.100.9', '198.18.0.10:80').reason.code).toBe('load-balancer-ip');
  });

  test('policy Local without a local endpoint does the same', () => {
    const text = nat(
      `${lbRule} KUBE-XLB-AAAAAAAAAAAAAAAA`,
      '-A KUBE-XLB-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http has no local endpoints" -j KUBE-MARK-DROP',
    );
    expect(ask(text, 'outside', '198.18.0.10:80').reason).toEqual({
      code: 'no-local-endpoints',
      text: 'externalTrafficPolicy is Local and shop/web:http has no endpoint on this node',
    });
  });
});

describe('rules without comments, as kube-proxy writes them in large clusters', () => {
  const objects = [service('web', { clusterIP: '10.96.0.10' }), slice('web', ['10.244.1.5'])];
  const documents = documentsOf(objects);
  const options = withDefaults({ nodeName: 'worker-1', clusterCIDRs: ['10.244.0.0/16'] });
  const { views } = compileRulesets(documents, options);
  const snapshot = {
    views,
    options,
    locations: readLocations(documents),
    notes: readServiceNotes(documents),
    sources: readEndpointSources(documents),
  };

  test('are those of the Service by the hash of its name', () => {
    const port = views.flatMap(({ servicePorts }) => servicePorts)[0];
    const hash = port && serviceChainNames(port).cluster.slice(-16);
    const nat = [
      '-A PREROUTING -j KUBE-SERVICES',
      `-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-${hash}`,
      `-A KUBE-SVC-${hash} -j KUBE-SEP-BBBBBBBBBBBBBBBB`,
      '-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080',
    ];
    const answer = ask(saved({ nat }), 'outside', '10.96.0.10:80', { snapshot });
    expect(answer.service).toEqual({ name: 'shop/web', type: 'ClusterIP' });
    const without = ask(saved({ nat }), 'outside', '10.96.0.10:80');
    expect([without.service, without.reason.text]).toEqual([
      null,
      'sent to 10.244.1.5:8080, the only possible endpoint of a Service',
    ]);
  });
});
