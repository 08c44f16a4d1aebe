import { type Agent, type NftAnswer, type NftCommand, startAgent } from './lab/start-agent.ts';

/** Started once per worker and used again. */
const idleAgents: Agent[] = [];

/**
 * Runs commands of nft one after the other in a network namespace that is empty at first.
 *
 * @returns what each printed; where nft refused one, its complaint, and nothing for the commands after that.
 */
export async function runNft(commands: readonly NftCommand[]): Promise<NftAnswer[]> {
  const agent = idleAgents.pop() ?? (await startAgent());
  try {
    const { nft = [] } = await agent.request({ do: 'nft', commands: [{ text: 'flush ruleset' }, ...commands] });
    idleAgents.push(agent);
    return nft.slice(1);
  } catch (error) {
    await agent.close();
    throw error;
  }
}

/** As {@link runNft}, for commands that nft must accept: throws an Error with its complaint where it does not. */
export async function printByNft(commands: readonly NftCommand[]): Promise<string[]> {
  return (await runNft(commands)).map((answer) => {
    if ('complaint' in answer) {
      throw new Error(`nft: ${answer.complaint}`);
    }
    return answer.output;
  });
}
