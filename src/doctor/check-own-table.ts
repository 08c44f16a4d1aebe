import { isOurChain } from '../apply/is-ours.ts';
import { isNftError } from '../apply/read-table.ts';
import { listWords } from '../describe-value.ts';
import { tableComment } from '../phases/5-plan/names.ts';
import type { ChainFact, Facts } from './facts.ts';
import { type Judgement, note, ok, problem, warning } from './finding.ts';

/** Whether our table is there, works, and is ours alone. */
export function checkOwnTable({ table, chains, ownTables }: Facts): Judgement {
  if (isNftError(chains)) {
    return note(`table ${table} could not be seen`, chains.advice);
  }
  const own = chains.filter((chain) => chain.table === table && isOurFamily(chain));
  if (own.length === 0) {
    return ok(`there is no table ${table} yet`);
  }
  const asleep = ownTables.find(({ flags }) => flags.length > 0);
  if (asleep) {
    return problem(
      `table ${asleep.family} ${table} has the flag ${asleep.flags.join(', ')}; a dormant table does nothing`,
      'Run svc2nft clean, then svc2nft apply.',
    );
  }
  const stranger = ownTables.find(({ comment }) => comment !== tableComment);
  if (stranger) {
    return warning(
      `table ${stranger.family} ${table} was not made by svc2nft: its comment is ${stranger.comment ?? 'missing'}`,
      'If another program made it, choose another name with --table: svc2nft apply makes the table its own.',
    );
  }
  const foreign = own.filter(({ name }) => !isOurChain(name));
  if (foreign.length > 0) {
    return note(
      `table ${table} has ${countChains(foreign)} of somebody else: ${nameSome(foreign)}`,
      'svc2nft apply removes them; keep rules of your own in a table of your own.',
    );
  }
  const families = [...new Set(own.map(({ family }) => family))];
  return ok(`table ${table} is there for ${listWords(families)} (${countChains(own)})`);
}

/**
 * Tables that have our base chains and another name: a second svc2nft, or a program that took after kube-proxy. What
 * is called kube-proxy has a check of its own.
 */
export function checkSameRules({ table, chains }: Facts): Judgement {
  if (isNftError(chains)) {
    return note('other tables that translate Services could not be seen', chains.advice);
  }
  const isDispatcher = (chain: ChainFact): boolean => chain.name === 'services' && chain.hook === undefined;
  const tables = chains.filter(
    (chain) =>
      chain.name === 'nat-prerouting' &&
      chain.type === 'nat' &&
      !(isOurFamily(chain) && [table, 'kube-proxy'].includes(chain.table)) &&
      chains.some((other) => isDispatcher(other) && other.table === chain.table && other.family === chain.family),
  );
  return tables.length === 0
    ? ok('no other table is built like ours')
    : problem(
        `${listWords(tables.map((chain) => `table ${chain.family} ${chain.table}`))} is built like ours and translates too; the one loaded last comes first`,
        'Remove the table that is not meant to be there: svc2nft clean --table NAME.',
      );
}

function isOurFamily({ family, legacy }: ChainFact): boolean {
  return !legacy && (family === 'ip' || family === 'ip6');
}

function countChains({ length }: readonly ChainFact[]): string {
  return `${length} ${length === 1 ? 'chain' : 'chains'}`;
}

/** A few names are enough to know whose they are. */
function nameSome(chains: readonly ChainFact[]): string {
  const names = chains.slice(0, 5).map(({ name }) => name);
  return chains.length > names.length ? `${names.join(', ')}, ...` : names.join(', ');
}
