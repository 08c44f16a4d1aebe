import { canonicalAddress } from '../../../src/net/address.ts';
import type { IptablesTexts } from '../iptables-fixture.ts';
import { type NftVersion, usualNft } from '../nft-versions.ts';
import { type Packet, parseEndpoint } from '../packets.ts';
import { LabUnavailable } from './lab-unavailable.ts';
import type { Observation } from './observe-attempts.ts';
import type { Served } from './start-agent.ts';
import { type Lab, loadRules, startLab } from './start-lab.ts';

/** What one run of the laboratory needs. */
export interface LabRun {
  /** nft text that the node loads; its tables must not be called `lab`. */
  readonly ruleset: string;
  /** Texts that iptables-restore and ip6tables-restore load. */
  readonly iptables?: IptablesTexts;
  /** All addresses of the node but loopback. */
  readonly nodeAddresses: readonly string[];
  readonly packets: readonly Packet[];
  /** The node's nft; default: the usual one. */
  readonly nft?: NftVersion;
}

/** Set up once per worker and used again: to build the namespaces takes longer than to send the packets. */
const idleLabs = new Map<NftVersion, Lab[]>();

/**
 * Sends the packets through the real kernel of a node that has loaded the ruleset, and returns what became of each, in
 * their order. Throws {@link LabUnavailable} where this machine cannot do that, and an Error with nft's words if it
 * refuses the ruleset. Runs may overlap; each has a laboratory for itself, without anything that a run before has left.
 */
export async function runPackets({
  ruleset,
  iptables = {},
  nodeAddresses,
  packets,
  nft = usualNft,
}: LabRun): Promise<Observation[]> {
  const idle = idleLabs.get(nft) ?? [];
  idleLabs.set(nft, idle);
  const lab = idle.pop() ?? (await startLab(nft));
  try {
    const addresses = nodeAddresses.map((address) => canonicalAddress(address) ?? address);
    await lab.clear();
    await lab.equip(addresses, findServedByNode(packets, addresses));
    const routeLocalnet = iptables.iptables === undefined ? '0' : '1';
    await lab.node.request({ do: 'configure', sysctls: { 'net/ipv4/conf/all/route_localnet': routeLocalnet } });
    for (const [program, input] of Object.entries(iptables)) {
      await lab.node.request({ do: 'run', command: [`${program}-restore`, '--noflush'], input });
    }
    // Of two chains with one priority, the kernel calls the one first that was loaded last.
    await loadRules(lab.node, ruleset);
    const observations = await lab.send(packets);
    idle.push(lab);
    return observations;
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** Why this machine cannot run the laboratory, or undefined if it can. */
export async function findLabProblem(): Promise<string | undefined> {
  try {
    await runPackets({ ruleset: '', nodeAddresses: [], packets: [] });
    return undefined;
  } catch (error) {
    if (error instanceof LabUnavailable) {
      return error.message;
    }
    throw error;
  }
}

/** Endpoints that the packets expect at addresses of the node's own (host network). */
function findServedByNode(packets: readonly Packet[], nodeAddresses: readonly string[]): Served[] {
  const found = new Map<string, Served>();
  for (const { to, expect } of packets) {
    for (const endpoint of typeof expect === 'string' ? [] : expect) {
      const served = { protocol: to.protocol, ...parseEndpoint(endpoint) };
      if (nodeAddresses.includes(served.address)) {
        found.set(`${to.protocol} ${endpoint}`, served);
      }
    }
  }
  return [...found.values()];
}
