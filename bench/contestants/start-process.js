// @ts-check
import { fork } from 'node:child_process';
import { once } from 'node:events';

const folder = new URL('..', import.meta.url).pathname;

/**
 * A process of its own for one that changes: the size of a process counts when it starts another.
 *
 * @param {[program: string, ...string[]]} command a file of this benchmark that calls `answerChanges`, and its arguments
 * @param {number} rounds
 * @returns {Promise<import('./contestant.js').Contestant>}
 */
export async function startProcess([program, ...parameters], rounds) {
  const process = fork(`${folder}${program}`, parameters);
  const ended = once(process, 'exit');
  const answer = async () => {
    const [message] = await Promise.race([once(process, 'message'), ended]);
    if (!Array.isArray(message)) {
      throw new Error(`${program} has ended`);
    }
    return message;
  };
  await answer();
  return {
    rounds,
    change: (number) => {
      process.send(number);
      return answer();
    },
    close: async () => {
      process.disconnect();
      await ended;
    },
  };
}

/**
 * In the other process: says that all is loaded, then makes the changes it is asked for until it is left alone.
 *
 * @param {(number: number) => number[]} change as of Contestant
 * @param {() => Promise<void>} close
 */
export function answerChanges(change, close) {
  process.send?.([]);
  process.on('message', (number) => process.send?.(change(Number(number))));
  process.on('disconnect', () => void close());
}
