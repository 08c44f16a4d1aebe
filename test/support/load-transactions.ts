import { runNft } from './run-nft.ts';

const foreignTable = { text: 'table ip other { chain kept { type filter hook input priority 7; }; }' };
const listing = { text: 'list ruleset', flags: 's' };

/**
 * Carries out transactions one after the other in a network namespace of its own, beside a table of another program.
 *
 * @param steps each is one or several texts; every text is a transaction of its own.
 * @returns for each step what the namespace then holds, as nft lists it; where nft refused, `refused: ` and its
 * complaint, and nothing for the steps after that.
 */
export async function loadTransactions(steps: readonly (readonly string[])[]): Promise<string[]> {
  const loads = steps.map((texts) => [...texts.map((text) => ({ text })), listing]);
  const [foreign, ...answers] = await runNft([foreignTable, ...loads.flat()]);
  if (!foreign || 'complaint' in foreign) {
    throw new Error(`nft refused the table of another program: ${foreign?.complaint}`);
  }
  const results: string[] = [];
  for (const load of loads) {
    const last = answers.splice(0, load.length).at(-1);
    if (last) {
      results.push('complaint' in last ? `refused: ${last.complaint}` : last.output);
    }
  }
  return results;
}
