/** What a list of frontends tells about each: plain data that JSON can hold, and `list -o json` prints. Types only. */

import type { EndpointPlace, EndpointState, LeftOutReason } from '../../frontends/endpoints.ts';
import type { FrontendState } from '../../frontends/frontend.ts';
import { readSettings } from '../../frontends/read-settings.ts';
import type { Places } from '../../kubernetes/locations.ts';
import { collectAll } from '../../lib/lists.ts';
import { compareText, escapeControls } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import type { Ruleset } from '../../nft/ruleset.ts';
import type { NodeView } from '../../phases/3-model/model.ts';
import { listFrontends } from './list-frontends.ts';

/**
 * How a Service came to an address. `External` is a load balancer IP or an external IP of which the rules alone do not say
 * which: they tell load balancer IPs by their source ranges only.
 */
export type FrontendType = 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalIP' | 'External';

/** An endpoint of a frontend. Texts are empty where nobody says. */
export interface EndpointRow extends EndpointPlace {
  /**
   * Whether it runs on this node. From the kernel alone so does one whose slice names no node: the rules allow for it to
   * run here.
   */
  readonly local: boolean;
  /** Null from the kernel alone, which does not know. */
  readonly state: EndpointState | null;
  /** Whose connections it may get; `outside` is everybody but pods and the node. */
  readonly usedBy: 'everybody' | 'outside' | 'pods and node' | 'nobody';
  /** Null where somebody uses it. */
  readonly leftOut: LeftOutReason | null;
}

/**
 * One address and port, or node port, of a service port in one family. A Service without any rules has one row, in which
 * everything is null that follows from rules.
 */
export interface FrontendRow {
  readonly namespace: string;
  readonly service: string;
  /** The name of the service port, empty for an unnamed one. In the kernel names are cut where all three have 128 bytes. */
  readonly portName: string | null;
  readonly protocol: string | null;
  readonly family: Family | null;
  readonly type: FrontendType | null;
  /** `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`; node ports `*:30080/tcp`, of IPv6 `[*]:30080/tcp`. */
  readonly frontend: string | null;
  /** internalTrafficPolicy or externalTrafficPolicy, whichever holds here; null where the rules do not tell. */
  readonly policy: 'Cluster' | 'Local' | null;
  /** What becomes of connections that no endpoint takes; null where everybody reaches one. */
  readonly refusal: FrontendState['refusal'];
  /** The service port that has the address in place of this one. */
  readonly givenTo: string | null;
  /** Seconds that a client keeps its endpoint; 0 without affinity. */
  readonly affinitySeconds: number;
  /** CIDRs that may use it; null where everybody may. */
  readonly sourceRanges: readonly string[] | null;
  /** How many endpoints somebody may reach, and how many of them are local. */
  readonly endpointsUsed: number;
  readonly endpointsLocal: number;
  /** Sorted. From the kernel alone only those in use are known. */
  readonly endpoints: readonly EndpointRow[];
  /** What is worth knowing, in few words each. */
  readonly remarks: readonly string[];
}

/** What holds for all frontends of one table. */
interface TableRow {
  readonly family: Family;
  readonly table: string;
  /** Where node ports are open: addresses, or `all addresses of the node`; null where the rules do not tell. */
  readonly nodePortAddresses: readonly string[] | null;
}

/** All frontends of a node. */
export interface Inventory {
  /** Its name; empty where nobody says, as from the kernel alone. */
  readonly node: string;
  readonly tables: readonly TableRow[];
  /** Sorted by namespace, Service, port name, family and type. */
  readonly items: readonly FrontendRow[];
}

/** What is known besides the rules. */
interface Knowledge {
  /** One for each family. */
  readonly views: readonly NodeView[];
  /** Who is at the endpoints' addresses; absent where nobody asks. */
  readonly places?: Places;
  /** Services without rules. */
  readonly unserved: readonly FrontendRow[];
}

/**
 * Lists every frontend of the rulesets, compiled ones or those of a kernel. What a frontend does is read from the rules
 * alone; a snapshot adds what they do not say: types, endpoints left out, lost addresses.
 */
export function takeInventory(rulesets: readonly Ruleset[], knowledge?: Knowledge): Inventory {
  const rows = collectAll(rulesets, (ruleset) => {
    const view = knowledge?.views.find(({ family }) => family === ruleset.family);
    return listFrontends(ruleset, view && { view, places: knowledge?.places });
  });
  return {
    node: escapeControls(knowledge?.views[0]?.nodeName ?? ''),
    tables: rulesets.map(tableRow),
    items: [...rows, ...(knowledge?.unserved ?? [])].sort(compareRows),
  };
}

function tableRow(ruleset: Ruleset): TableRow {
  const addresses = readSettings(ruleset)['node port addresses'];
  const { family, table } = ruleset;
  return { family, table: escapeControls(table), nodePortAddresses: addresses?.map(escapeControls) ?? null };
}

const typeOrder: Readonly<Record<FrontendType, number>> = {
  ClusterIP: 0,
  LoadBalancer: 1,
  ExternalIP: 2,
  External: 3,
  NodePort: 4,
};

/** Orders rows by namespace, Service, port name, protocol, family, type and frontend. */
function compareRows(a: FrontendRow, b: FrontendRow): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.service, b.service) ||
    compareText(a.portName ?? '', b.portName ?? '') ||
    compareText(a.protocol ?? '', b.protocol ?? '') ||
    compareText(a.family ?? '', b.family ?? '') ||
    rankOf(a) - rankOf(b) ||
    compareText(a.frontend ?? '', b.frontend ?? '')
  );
}

function rankOf({ type }: FrontendRow): number {
  return type === null ? 0 : typeOrder[type];
}
