import { parseAddress } from '../address.ts';
import { invariant } from '../invariant.ts';
import type { Hook, Ruleset } from '../phases/5-plan/ruleset.ts';
import type { Connection } from './connection.ts';
import type { Fate, Memory, NodeFacts, Packet } from './fate.ts';
import { indexRuleset } from './index-ruleset.ts';
import type { BaseChain, IndexedRuleset } from './indexed-ruleset.ts';
import { mergeBranches } from './merge-branches.ts';
import { type Branch, walkChain } from './walk-chain.ts';
import { isLocal, type WalkContext } from './walk-context.ts';

/**
 * What becomes of the first packet of a connection, computed from the ruleset alone: every way that chance may take, with
 * its exact probability. Pure. Whoever walks several packets passes what `indexRuleset` made of the ruleset, and the
 * memory of an earlier outcome. The order of hooks is netfilter's; routing knows no more than the node's own addresses,
 * so whatever is not local is forwarded. Throws `UnknownRule` for a ruleset that it does not understand.
 */
export function walkPacket(
  ruleset: Ruleset | IndexedRuleset,
  packet: Packet,
  node: NodeFacts,
  memory: Memory = new Map(),
): Fate {
  const indexed = 'hooks' in ruleset ? ruleset : indexRuleset(ruleset);
  for (const address of [packet.source, packet.destination]) {
    const parsed = parseAddress(address);
    invariant(
      parsed?.text === address && parsed.family === indexed.family,
      `${address} is no canonical address of family ${indexed.family}`,
    );
  }
  const context = contextOf(indexed, node);
  const start: Branch = { connection: connectionOf(packet, memory), verdict: 'accept', trail: undefined };
  const branches = isLocal(packet.source, context) ? walkFromNode(start, context) : walkFromOutside(start, context);
  return { outcomes: mergeBranches(branches) };
}

function contextOf(ruleset: IndexedRuleset, node: NodeFacts): WalkContext {
  const local = node.localAddresses.map((address) => parseAddress(address));
  return {
    ruleset,
    localAddresses: new Set(local.flatMap((address) => address?.text ?? [])),
    ownAddress: local.find((address) => address?.family === ruleset.family)?.text,
  };
}

function connectionOf(packet: Packet, memory: Memory): Connection {
  return {
    ...packet,
    inputInterface: packet.inputInterface ?? '',
    originalDestination: packet.destination,
    originalPort: packet.port,
    mark: 0,
    translated: false,
    masqueraded: false,
    destinationSettled: false,
    sourceSettled: false,
    oneIn: 1,
    memory,
    changes: '',
  };
}

function walkFromOutside(start: Branch, context: WalkContext): Branch[] {
  const routed = walkHook('prerouting', [start], context);
  const [local, others] = splitByDestination(routed, context);
  const forwarded = walkHook('postrouting', walkHook('forward', others, context), context);
  return [...walkHook('input', local, context), ...forwarded];
}

/** A packet to an address of the node leaves through the loopback interface and comes back in. */
function walkFromNode(start: Branch, context: WalkContext): Branch[] {
  const sent = { ...start, connection: { ...start.connection, inputInterface: '' } };
  const routed = walkHook('postrouting', walkHook('output', [sent], context), context);
  const [local, others] = splitByDestination(routed, context);
  const received = local.map((branch) => ({ ...branch, connection: { ...branch.connection, inputInterface: 'lo' } }));
  return [...walkHook('input', walkHook('prerouting', received, context), context), ...others];
}

function splitByDestination(branches: readonly Branch[], context: WalkContext): [local: Branch[], others: Branch[]] {
  const local: Branch[] = [];
  const others: Branch[] = [];
  for (const branch of branches) {
    (isLocal(branch.connection.destination, context) ? local : others).push(branch);
  }
  return [local, others];
}

function walkHook(hook: Hook['hook'], start: readonly Branch[], context: WalkContext): Branch[] {
  let branches = [...start];
  for (const chain of context.ruleset.hooks[hook]) {
    branches = branches.flatMap((branch) =>
      branch.verdict !== 'accept' || isSettled(branch.connection, chain) ? branch : walkChain(chain, branch, context),
    );
  }
  return branches.map(({ connection, verdict, trail }) => ({ connection: settle(connection, hook), verdict, trail }));
}

/** NAT is decided once in a connection's life, by the first chain that does; a hook that was passed has decided to do nothing. */
function isSettled(connection: Connection, { hook: { type, hook } }: BaseChain): boolean {
  return type === 'nat' && (changesDestination(hook) ? connection.destinationSettled : connection.sourceSettled);
}

function settle(connection: Connection, hook: Hook['hook']): Connection {
  if (hook === 'forward') {
    return connection;
  }
  if (changesDestination(hook)) {
    return connection.destinationSettled ? connection : { ...connection, destinationSettled: true };
  }
  // Nothing asks after the last hook.
  return hook === 'input' || connection.sourceSettled ? connection : { ...connection, sourceSettled: true };
}

function changesDestination(hook: Hook['hook']): boolean {
  return hook === 'prerouting' || hook === 'output';
}
