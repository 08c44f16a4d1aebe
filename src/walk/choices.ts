import { invariant } from '../lib/invariant.ts';
import { pushTo } from '../lib/lists.ts';
import type { EndpointAddress } from '../net/network.ts';
import type { Expression, Statement } from '../nft/ruleset.ts';
import { setsOf } from '../nft/ruleset-parts.ts';
import { type Connection, copyConnection, type WalkContext } from './connection.ts';
import type { Control } from './effect.ts';
import { isAbsent } from './look-up.ts';
import { canPostpone, decide } from './run-statement.ts';

// A Service with a thousand endpoints has a thousand branches, which nearly all rules treat alike. So they are one branch with
// a thousand choices until a statement tells them apart.

/** The branches of a connection that are left if only some of its choices are. */
function withChoices(connection: Connection, choices: readonly EndpointAddress[]): Connection {
  const [first] = choices;
  invariant(first, 'no choice is left');
  const branch = copyConnection(connection);
  branch.destination = first.address;
  branch.port = first.port;
  if (choices.length > 1) {
    branch.choices = choices;
    return branch;
  }
  branch.choices = undefined;
  branch.postponed = [];
  return connection.postponed.reduce((updated, { make }) => make(updated, first), branch);
}

/** The branches to some destinations; undefined if none of them goes there. */
export function keepChoices(connection: Connection, isKept: (one: EndpointAddress) => boolean): Connection | undefined {
  const kept = destinationsOf(connection).filter(isKept);
  return kept.length > 0 ? withChoices(connection, kept) : undefined;
}

/** The destinations of all branches. */
export function destinationsOf({ choices, destination, port }: Connection): readonly EndpointAddress[] {
  return choices ?? [{ address: destination, port }];
}

/** Each branch on its own. */
export function separateChoices(connection: Connection): Connection[] {
  return connection.choices?.map((choice) => withChoices(connection, [choice])) ?? [connection];
}

/**
 * The branches in as few groups as possible: the choices of each have the same key.
 *
 * @param keyOf is called with a connection that has only one destination, and that changes after each call.
 */
export function groupChoices(connection: Connection, keyOf: (one: Connection) => unknown): Connection[] {
  const { choices } = connection;
  if (!choices) {
    return [connection];
  }
  const one = copyConnection(connection);
  one.choices = undefined;
  const keys = choices.map(({ address, port }) => {
    one.destination = address;
    one.port = port;
    return keyOf(one);
  });
  if (keys.every((key) => key === keys[0])) {
    return [connection];
  }
  const groups = new Map<unknown, EndpointAddress[]>();
  for (const [index, choice] of choices.entries()) {
    pushTo(groups, keys[index], choice);
  }
  return [...groups.values()].map((group) => withChoices(connection, group));
}

/**
 * The branches of a connection before a statement, in groups that the statement sends the same way. Each is alone if the
 * statement may change it.
 */
export function groupForStatement(statement: Statement, connection: Connection, context: WalkContext): Connection[] {
  if (connection.postponed.some(({ set }) => setsOf([statement]).includes(set))) {
    return separateChoices(connection);
  }
  if (
    !readsDestination(statement) ||
    findsNothing(statement, connection, context) ||
    canPostpone(statement, connection, context)
  ) {
    return [connection];
  }
  const found = { key: undefined, element: undefined };
  let alone = 0;
  return groupChoices(connection, (one) => {
    const control = decide(statement, one, context, found);
    return control ? wayOf(control) : alone++;
  });
}

/** Whether a lookup finds nothing, whatever the destination is. */
function findsNothing(statement: Statement, connection: Connection, context: WalkContext): boolean {
  if (statement.kind !== 'match-set' && statement.kind !== 'vmap') {
    return false;
  }
  const [first] = statement.key;
  const key = first && !isOfDestination(first) ? [first] : [];
  return isAbsent(statement.kind === 'vmap' ? statement.map : statement.set, { key, connection, context });
}

/** A text that is equal for equal ways. */
function wayOf(control: Control): string {
  return 'chain' in control ? `${control.kind} ${control.chain}` : control.kind;
}

/** Whether a statement may treat connections differently that have nothing but another destination. */
function readsDestination(statement: Statement): boolean {
  switch (statement.kind) {
    case 'match':
    case 'match-list':
      return isOfDestination(statement.left);
    case 'match-set':
    case 'vmap':
      return statement.key.some(isOfDestination);
    case 'dnat':
    case 'dnat-map':
    case 'random-dnat':
    case 'update':
    case 'delete':
    case 'match-ports':
    case 'match-translated':
    case 'match-oifname':
    case 'translate':
    case 'redirect':
      return true;
    case 'match-mark':
    case 'set-mark':
    case 'random-goto':
    case 'counter':
    case 'comment':
    case 'jump':
    case 'goto':
    case 'tcp-reset':
    case 'drop':
    case 'reject':
    case 'return':
    case 'masquerade':
    case 'accept':
    case 'never':
    case 'match-random':
    case 'match-masked':
    case 'write-mark':
    case 'copy-mark':
    case 'snat':
    case 'uncertain':
      return false;
  }
}

function isOfDestination(expression: Expression): boolean {
  switch (expression.kind) {
    case 'address':
    case 'fib-type':
      return expression.field === 'daddr';
    case 'dport':
    case 'ct-status':
      return true;
    case 'l4proto':
    case 'iifname':
    case 'ct-state':
    case 'ct-original-daddr':
    case 'ct-original-dport':
    case 'numgen':
      return false;
  }
}
