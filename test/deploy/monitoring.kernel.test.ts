import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { askInNamespace } from '../agent/ask-in-namespace.ts';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from '../agent/start-agent-process.ts';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { mustRun } from '../support/must-run.ts';

const rules = 'deploy/monitoring/svc2nft.rules.yaml';
const dashboard = 'deploy/monitoring/dashboard.json';
const kubeProxyRules = 'test/deploy/kube-proxy.rules.yaml';
const scrapeConfig = 'test/deploy/kube-proxy-scrape.yaml';

/** All metrics of kube-proxy in nftables mode, with their labels besides `le` (pkg/proxy/metrics). */
const kubeProxyMetrics: Readonly<Record<string, [type: string, ...labels: string[]]>> = {
  sync_proxy_rules_duration_seconds: ['histogram', 'ip_family'],
  sync_full_proxy_rules_duration_seconds: ['histogram', 'ip_family'],
  sync_partial_proxy_rules_duration_seconds: ['histogram', 'ip_family'],
  sync_proxy_rules_last_timestamp_seconds: ['gauge', 'ip_family'],
  sync_proxy_rules_last_queued_timestamp_seconds: ['gauge', 'ip_family'],
  network_programming_duration_seconds: ['histogram', 'ip_family'],
  sync_proxy_rules_endpoint_changes_pending: ['gauge'],
  sync_proxy_rules_endpoint_changes_total: ['counter'],
  sync_proxy_rules_service_changes_pending: ['gauge'],
  sync_proxy_rules_service_changes_total: ['counter'],
  sync_proxy_rules_no_local_endpoints_total: ['gauge', 'ip_family', 'traffic_policy'],
  sync_proxy_rules_nftables_sync_failures_total: ['counter', 'ip_family'],
  sync_proxy_rules_nftables_cleanup_failures_total: ['counter', 'ip_family'],
  proxy_healthz_total: ['counter', 'code'],
  proxy_livez_total: ['counter', 'code'],
  conntrack_reconciler_sync_duration_seconds: ['histogram', 'ip_family'],
  conntrack_reconciler_deleted_entries_total: ['counter', 'ip_family'],
  nftables_localhost_nodeport_listeners: ['gauge', 'ip_family'],
  nftables_localhost_nodeport_listener_creation_failures_total: ['counter', 'ip_family'],
};

/** No rule of svc2nft counts packets. */
const metricWithout = 'nftables_localhost_nodeport_rejected_packets_total';

const hasPromtool = !(await execa('promtool', ['--version'], { reject: false })).failed;
if (!hasPromtool) {
  console.warn('promtool is not installed: rules and metrics are not checked with it; test/install-tools.sh gets it');
}
const promtoolRuns = hasPromtool || mustRun();

describe.skipIf(!kernelTestsRun)('what monitors an agent', () => {
  let node: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;
  let page: string;

  beforeAll(async () => {
    node = await openNode();
    const ports = [{ name: 'http', port: 80 }];
    const objects = [workerNode, service('web', { clusterIP: '10.96.0.10', ports }), slice('web', ['10.244.1.1'])];
    server = await startRemoteApiServer(node, { objects: objects as unknown as ApiObject[] });
    agent = startAgentProcess(node, server.url, ['--counters']);
    page = await vi.waitFor(
      async () => {
        await Promise.all(['healthz', 'livez'].map((path) => askInNamespace(node, '127.0.0.1:10256', `/${path}`)));
        const { body = '' } = (await askInNamespace(node, '127.0.0.1:10249', '/metrics')) ?? {};
        expect(body).toMatch(/^kubeproxy_sync_proxy_rules_last_timestamp_seconds\{ip_family="IPv6"\} [1-9]/m);
        expect(body).toMatch(/^kubeproxy_proxy_livez_total\{code="200"\} [1-9]/m);
        expect(body).toMatch(/^svc2nft_service_connections_total\{/m);
        return body;
      },
      { timeout: 30_000, interval: 100 },
    );
  });

  afterAll(async () => {
    agent.kill('SIGKILL');
    await agent.ended;
    await server.end();
    await node.close();
  });

  test('finds the metrics of kube-proxy, with their types and labels', () => {
    const found = Object.fromEntries(
      Object.keys(kubeProxyMetrics).map((name) => [name, [typeOf(page, name), ...labelsOf(page, name)]]),
    );
    expect(found).toEqual(kubeProxyMetrics);
    expect(page).not.toContain(metricWithout);
  });

  test.each([rules, dashboard, kubeProxyRules])('asks for metrics that the agent has: %s', (path) => {
    const text = readFileSync(path, 'utf8');
    const names = text.match(/\b(?:kubeproxy|svc2nft|rest_client|process|go)_\w+/g) ?? [];
    const served = servedNames(page);
    expect(names.length).toBeGreaterThan(5);
    expect([...new Set(names)].filter((name) => !served.has(name))).toEqual([]);
  });

  describe.skipIf(!promtoolRuns)('passes promtool', () => {
    test('as a page of metrics, but for the names that kube-proxy gave', async () => {
      const { stdout, stderr } = await execa('promtool', ['check', 'metrics'], { input: page, reject: false });
      const remarks = `${stdout}\n${stderr}`.split('\n').filter((line) => line !== '');
      expect(remarks.filter((line) => !/^(?:kubeproxy|process|rest_client)_/.test(line))).toEqual([]);
    });

    test('as rules', async () => {
      await execa('promtool', ['check', 'rules', rules, kubeProxyRules]);
      await execa('promtool', ['test', 'rules', 'test/deploy/svc2nft.rules.test.yaml']);
    });

    test('as a dashboard', async () => {
      const { panels } = JSON.parse(readFileSync(dashboard, 'utf8')) as {
        readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
      };
      const queries = panels.flatMap(({ targets }) =>
        targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
      );
      const recorded = queries.map((expr, index) => ({ record: `panel:${index}`, expr }));
      const text = stringify({ groups: [{ name: 'dashboard', rules: recorded }] });
      await inFile(text, (path) => execa('promtool', ['check', 'rules', path]));
    });

    test('as a scrape configuration of kube-proxy', async () => {
      const config = parse(readFileSync(scrapeConfig, 'utf8')) as {
        rule_files: string[];
        scrape_configs: { kubernetes_sd_configs?: unknown; [field: string]: unknown }[];
      };
      config.rule_files = [resolve(kubeProxyRules)];
      // Debian's promtool does not know this kind of service discovery.
      config.scrape_configs = config.scrape_configs.map(({ kubernetes_sd_configs: _, ...others }) => ({
        ...others,
        static_configs: [{ targets: ['127.0.0.1:10249'] }],
      }));
      await inFile(stringify(config), (path) => execa('promtool', ['check', 'config', path]));
    });
  });
});

function typeOf(page: string, name: string): string | undefined {
  return new RegExp(`^# TYPE kubeproxy_${name} (\\w+)$`, 'm').exec(page)?.[1];
}

/** Of the first sample. */
function labelsOf(page: string, name: string): string[] {
  const sample = new RegExp(`^kubeproxy_${name}(?:_bucket)?\\{(.*)\\} `, 'm').exec(page)?.[1] ?? '';
  const labels = [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
  return labels.filter((label) => label !== 'le').sort();
}

/** Of metrics, and of the series of histograms; recorded ones begin like `svc2nft:`. */
function servedNames(page: string): ReadonlySet<string> {
  const declared = [...page.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return new Set(
    declared.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  );
}

async function inFile(text: string, use: (path: string) => Promise<unknown>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'svc2nft-monitoring-'));
  try {
    const path = join(folder, 'file.yaml');
    await writeFile(path, text);
    await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
