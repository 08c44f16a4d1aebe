import { isMapping, listIn, type Mapping, mappingIn, textIn } from '../../lib/unknown-values.ts';
import { boundOf, type Sample, sumOf, valuesBy } from './parse-metrics.ts';

/** How a node is served. Plain data: `status -o json` prints it. Times are RFC 3339, durations are in their units. */
export interface StatusReport {
  /** The agent of this machine; null where none answers. */
  readonly agent: AgentStatus | null;
  /** What answers, or does not, and where. */
  readonly servers: { readonly metrics: ServerStatus; readonly health: ServerStatus };
  /** The tables in the kernel, which are looked at only where no agent answers; null otherwise, and where they cannot be read. */
  readonly tables: readonly TableStatus[] | null;
  readonly versions: Versions;
  /** What needs attention, the worst first. */
  readonly findings: readonly StatusFinding[];
}

/** A place that was asked. */
export interface ServerStatus {
  /** `127.0.0.1:10249`; empty where the agent serves nothing. */
  readonly address: string;
  /** Null without an answer. */
  readonly status: number | null;
  /** Why there is none, or none that is understood; null otherwise. */
  readonly problem: string | null;
}

/** What an agent tells of itself. Counts are those since it started; null is what it does not say. */
export interface AgentStatus {
  readonly version: string | null;
  readonly node: string | null;
  readonly startedAt: string | null;
  readonly memoryBytes: number | null;
  /** Whether no change is late; and whether the Node may get traffic of load balancers. */
  readonly healthy: boolean | null;
  readonly nodeEligible: boolean | null;
  readonly families: readonly FamilyStatus[];
  readonly pending: { readonly oldestSeconds: number; readonly services: number; readonly endpointSlices: number };
  readonly latency: LatencyStatus | null;
  readonly leftOut: { readonly invalid: number; readonly rejected: number };
  readonly foreignChanges: number;
  readonly trouble: TroubleStatus;
  readonly apiServer: ApiServerStatus;
  readonly table: string | null;
}

interface FamilyStatus {
  readonly family: 'IPv4' | 'IPv6';
  readonly lastSync: string | null;
  readonly elements: number;
  readonly repairs: number;
  readonly failures: number;
}

/** From the receipt of a change until it is in the kernel; null is more than the agent can tell. */
interface LatencyStatus {
  readonly changes: number;
  readonly halfWithinSeconds: number | null;
  readonly mostWithinSeconds: number | null;
}

interface TroubleStatus {
  readonly nftEnded: number;
  readonly monitorEnded: number;
  readonly healthPortFailures: number;
  /** Of node ports at loopback addresses. */
  readonly localhostPortFailures: number;
}

interface ApiServerStatus {
  readonly host: string | null;
  /** How often it answered, by the status; `<error>` for no answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** How long ago something was received about each kind. */
  readonly heardSecondsAgo: Readonly<Record<string, number>>;
  readonly restarts: number;
}

/** A table in the kernel. */
export interface TableStatus {
  readonly family: 'ip' | 'ip6';
  readonly table: string;
  readonly exists: boolean;
  readonly services: number;
  readonly frontends: number;
}

/** Of this program, and of what it finds. */
export interface Versions {
  readonly svc2nft: string;
  readonly node: string;
  /** Null where it is missing or cannot be used. */
  readonly nft: string | null;
  readonly kernel: string | null;
}

/** Something that needs attention. `problem`: changes of the cluster do not reach the kernel. */
export interface StatusFinding {
  readonly status: 'problem' | 'warning';
  readonly what: string;
  readonly advice: string;
}

/** What an agent answered. */
export interface AgentAnswers {
  /** Undefined where metrics are not served. */
  readonly samples: readonly Sample[] | undefined;
  /** The answer at `/configz`, and that at `/healthz`; undefined for none. */
  readonly config: unknown;
  readonly health: unknown;
}

/** Whether metrics are those of svc2nft. */
export function isOwnAgent(samples: readonly Sample[]): boolean {
  return samples.some(({ name }) => name === 'svc2nft_build_info');
}

/** What an agent tells of itself. */
export function describeAgent({ samples = [], config, health }: AgentAnswers): AgentStatus {
  const settings = isMapping(config) ? config : {};
  const answered = isMapping(health) ? health : {};
  const sum = (name: string, labels: Sample['labels'] = {}): number => sumOf(samples, name, labels) ?? 0;
  const start = sumOf(samples, 'process_start_time_seconds');
  const families = samples.length === 0 ? [] : familiesOf(samples, settings);
  return {
    version: samples.find(({ name }) => name === 'svc2nft_build_info')?.labels['version'] ?? null,
    node: textIn(mappingIn(settings, 'kubeproxy.config.k8s.io'), 'hostnameOverride') || null,
    startedAt: start === undefined ? null : timeText(start),
    memoryBytes: sumOf(samples, 'process_resident_memory_bytes') ?? null,
    healthy: typeof answered['healthy'] === 'boolean' ? answered['healthy'] : null,
    nodeEligible: typeof answered['nodeEligible'] === 'boolean' ? answered['nodeEligible'] : null,
    families,
    pending: {
      oldestSeconds: sum('svc2nft_oldest_pending_change_seconds'),
      // As for kube-proxy, each counts once for each family.
      services: sum('kubeproxy_sync_proxy_rules_service_changes_pending') / Math.max(1, families.length),
      endpointSlices: sum('kubeproxy_sync_proxy_rules_endpoint_changes_pending'),
    },
    latency: latencyOf(samples),
    leftOut: {
      invalid: sum('svc2nft_left_out_services', { reason: 'invalid' }),
      rejected: sum('svc2nft_left_out_services', { reason: 'rejected' }),
    },
    foreignChanges: sum('svc2nft_foreign_changes_total'),
    trouble: {
      nftEnded: sum('svc2nft_session_restarts_total', { reason: 'ended' }),
      monitorEnded: sum('svc2nft_monitor_restarts_total'),
      healthPortFailures: sum('svc2nft_health_check_port_failures_total'),
      localhostPortFailures: sum('kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total'),
    },
    apiServer: {
      host: samples.find(({ name }) => name === 'rest_client_requests_total')?.labels['host'] ?? null,
      answers: valuesBy(samples, 'rest_client_requests_total', 'code'),
      heardSecondsAgo: valuesBy(samples, 'svc2nft_watch_age_seconds', 'kind'),
      restarts: sum('svc2nft_watch_restarts_total'),
    },
    table: textIn(mappingIn(settings, 'svc2nft'), 'table') || null,
  };
}

const allFamilies = [
  { family: 'IPv4', word: 'ip' },
  { family: 'IPv6', word: 'ip6' },
] as const;

function familiesOf(samples: readonly Sample[], config: Mapping): FamilyStatus[] {
  const served = listIn(mappingIn(config, 'svc2nft'), 'families');
  const sync = 'kubeproxy_sync_proxy_rules';
  return allFamilies
    .filter(({ word }) => served.length === 0 || served.includes(word))
    .map(({ family }) => {
      const labels = { ip_family: family };
      const last = sumOf(samples, `${sync}_last_timestamp_seconds`, labels);
      return {
        family,
        lastSync: last === undefined ? null : timeText(last),
        elements: sumOf(samples, 'svc2nft_elements', labels) ?? 0,
        repairs: sumOf(samples, 'svc2nft_repairs_total', labels) ?? 0,
        failures: sumOf(samples, `${sync}_nftables_sync_failures_total`, labels) ?? 0,
      };
    });
}

function latencyOf(samples: readonly Sample[]): LatencyStatus | null {
  const name = 'svc2nft_event_to_kernel_duration_seconds';
  const [half, most] = [boundOf(samples, name, 0.5), boundOf(samples, name, 0.99)];
  if (half === undefined || most === undefined) {
    return null;
  }
  const finite = (bound: number): number | null => (Number.isFinite(bound) ? bound : null);
  return {
    changes: sumOf(samples, `${name}_count`) ?? 0,
    halfWithinSeconds: finite(half),
    mostWithinSeconds: finite(most),
  };
}

function timeText(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
