// @ts-check
import { openNamespace } from '../tools/open-namespace.js';
import { timeNft } from '../tools/time-nft.js';

/**
 * The least that a change can take: one element of a table that has one set and nothing else.
 *
 * @param {number} rounds
 * @returns {Promise<import('./contestant.js').Contestant>} its changes give two times: of adding an element, and of
 *   deleting and adding it in one transaction
 */
export async function startFloor(rounds) {
  const namespace = await openNamespace();
  timeNft(namespace, 'add table ip floor\nadd set ip floor addresses { type ipv4_addr ; }\n');
  return {
    rounds,
    change: (number) => {
      const element = `element ip floor addresses { 10.0.${number >> 8}.${number & 255} }\n`;
      return [timeNft(namespace, `add ${element}`), timeNft(namespace, `delete ${element}add ${element}`)];
    },
    close: namespace.close,
  };
}
