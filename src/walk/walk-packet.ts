import { invariant } from '../lib/invariant.ts';
import { parseAddress } from '../net/address.ts';
import type { Hook, Ruleset } from '../nft/ruleset.ts';
import { groupChoices } from './choices.ts';
import { type Connection, copyConnection, isLocal, type WalkContext } from './connection.ts';
import type { Fate, Memory, NodeFacts, Packet } from './fate.ts';
import { indexRuleset } from './index-ruleset.ts';
import type { HookedChain, IndexedRuleset } from './lookup-tables.ts';
import { mergeBranches, settleDoubts } from './merge-branches.ts';
import { type Branch, walkChain } from './walk-chain.ts';

// A walk passes the hooks in netfilter's order (here), goes through their base chains rule by rule (walk-chain.ts), executes
// each statement (run-statement.ts) and looks keys up in sets (look-up.ts). Where chance decides, it splits into branches;
// branches that end alike become one outcome (merge-branches.ts). The ruleset is checked before the walk (index-ruleset.ts).

/**
 * The fate of the first packet of a connection, computed from the ruleset alone: every outcome that chance allows, with its
 * exact probability. The order of hooks is netfilter's. Routing knows only the node's own addresses, so a packet to any
 * other address is forwarded.
 *
 * @param ruleset for several packets, what `indexRuleset` returns.
 * @param memory what an earlier outcome left behind.
 * @throws UnknownRule for a ruleset that the walker does not understand.
 */
export function walkPacket(
  ruleset: Ruleset | IndexedRuleset,
  packet: Packet,
  node: NodeFacts,
  memory: Memory = noMemory,
): Fate {
  const indexed = 'hooks' in ruleset ? ruleset : indexRuleset(ruleset);
  return walkInContext(packet, createWalkContext(indexed, node), memory);
}

/** {@link walkPacket} for many packets at one node. */
export function walkInContext(packet: Packet, context: WalkContext, memory: Memory = noMemory): Fate {
  return { outcomes: mergeBranches(walkBranches(packet, context, memory)) };
}

/**
 * What {@link walkInContext} makes the outcomes of: branches in the order of the numbers drawn, some of them equal, and those
 * that nothing but the destination tells apart as choices of one.
 */
export function walkBranches(packet: Packet, context: WalkContext, memory: Memory = noMemory): Branch[] {
  const { family } = context.ruleset;
  for (const address of [packet.source, packet.destination]) {
    const parsed = parseAddress(address);
    invariant(
      parsed?.text === address && parsed.family === family,
      `${address} is not a canonical address of family ${family}`,
    );
  }
  const start: Branch = { connection: connectionOf(packet, memory), verdict: 'accept', trail: undefined };
  return settleDoubts(isLocal(packet.source, context) ? walkFromNode(start, context) : walkFromOutside(start, context));
}

/**
 * The context for any number of walks at one node.
 *
 * @param options.onElement is called for every element that a lookup finds, in any branch of a walk, but for those of
 * endpoint lists.
 * @param options.onDraw is called where chance picks among the first `count` endpoints of a list.
 * @param options.keepsSteps false leaves the steps of outcomes empty and makes walks several times as fast.
 */
export function createWalkContext(
  ruleset: IndexedRuleset,
  node: NodeFacts,
  { keepsSteps = true, onElement, onDraw }: Partial<Pick<WalkContext, 'keepsSteps' | 'onElement' | 'onDraw'>> = {},
): WalkContext {
  const local = node.localAddresses.map((address) => parseAddress(address));
  return {
    ruleset,
    hook: 'prerouting',
    localAddresses: new Set(local.flatMap((address) => address?.text ?? [])),
    ownAddress: local.find((address) => address?.family === ruleset.family)?.text,
    keepsSteps,
    onElement,
    onDraw,
  };
}

const noMemory: Memory = new Map();

function connectionOf(packet: Packet, memory: Memory): Connection {
  return {
    source: packet.source,
    destination: packet.destination,
    protocol: packet.protocol,
    port: packet.port,
    choices: undefined,
    originalDestination: packet.destination,
    originalPort: packet.port,
    inputInterface: packet.inputInterface ?? '',
    mark: packet.mark ?? 0,
    connectionMark: 0,
    translated: false,
    masqueraded: false,
    destinationSettled: false,
    sourceSettled: false,
    share: { numerator: 1, denominator: 1 },
    isUncertain: false,
    doubt: undefined,
    memory,
    changes: '',
    postponed: [],
  };
}

function walkFromOutside(start: Branch, context: WalkContext): Branch[] {
  const routed = walkHook('prerouting', [start], context);
  const [local, others] = splitByDestination(routed, context);
  const forwarded = walkHook('postrouting', walkHook('forward', others, context), context);
  return walkHook('input', local, context).concat(forwarded);
}

/** A packet to an address of the node leaves through the loopback interface and comes back in. */
function walkFromNode(start: Branch, context: WalkContext): Branch[] {
  const connection = copyConnection(start.connection);
  connection.inputInterface = '';
  const sent = { connection, verdict: start.verdict, trail: start.trail };
  const routed = walkHook('postrouting', walkHook('output', [sent], context), context);
  const [local, others] = splitByDestination(routed, context);
  const received = local.map(({ connection, verdict, trail }) => ({ connection: receive(connection), verdict, trail }));
  return walkHook('input', walkHook('prerouting', received, context), context).concat(others);
}

/** The source of a packet that has left the node no longer changes. */
function receive(connection: Connection): Connection {
  const received = copyConnection(connection);
  received.inputInterface = 'lo';
  received.sourceSettled = true;
  return received;
}

function splitByDestination(branches: readonly Branch[], context: WalkContext): [local: Branch[], others: Branch[]] {
  const local: Branch[] = [];
  const others: Branch[] = [];
  for (const { connection, verdict, trail } of branches) {
    for (const group of groupChoices(connection, ({ destination }) => isLocal(destination, context))) {
      (isLocal(group.destination, context) ? local : others).push({ connection: group, verdict, trail });
    }
  }
  return [local, others];
}

function walkHook(hook: Hook['hook'], start: readonly Branch[], context: WalkContext): Branch[] {
  if (start.length === 0) {
    return [];
  }
  let branches = start;
  const here = { ...context, hook };
  for (const chain of context.ruleset.hooks[hook]) {
    const walked: Branch[] = [];
    for (const branch of branches) {
      if (branch.verdict !== 'accept' || isSettled(branch.connection, chain)) {
        walked.push(branch);
      } else {
        walkChain(chain, branch, { context: here, ended: walked });
      }
    }
    branches = walked;
  }
  return branches.map((branch) => settle(branch, hook));
}

/** NAT is decided once per connection, by the first chain that translates; a hook passed without one decides for none. */
function isSettled(connection: Connection, { hook: { type, hook } }: HookedChain): boolean {
  return type === 'nat' && (changesDestination(hook) ? connection.destinationSettled : connection.sourceSettled);
}

function settle(branch: Branch, hook: Hook['hook']): Branch {
  const { connection, verdict, trail } = branch;
  if (!changesDestination(hook) || connection.destinationSettled || verdict !== 'accept') {
    return branch;
  }
  const settled = copyConnection(connection);
  settled.destinationSettled = true;
  return { connection: settled, verdict, trail };
}

function changesDestination(hook: Hook['hook']): boolean {
  return hook === 'prerouting' || hook === 'output';
}
