import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tableNameProblem } from '../../src/config/check-options.ts';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { runNft } from '../support/run-nft.ts';

/**
 * Every keyword of nft 1.0.6 and 1.1.3 that has the form of a name: the tokens that bison's messages know, from the
 * strings of libnftables.
 */
const keywords = readFileSync(join(import.meta.dirname, 'nft-keywords.txt'), 'utf8')
  .trim()
  .split(/\s+/);

/** Keywords of 1.1.3 alone. Older ones accept them, so they say nothing about what newer ones refuse. */
const newer = ['destroy', 'geneve', 'gre', 'gretap', 'rules', 'vni', 'vxlan'];

const commandsFor = (name: string): string[] => [
  `table ip ${name} { map m { type ipv4_addr : verdict; }; chain c { }; }`,
  `add chain ip ${name} d`,
  `add rule ip ${name} c ip daddr vmap @m`,
  `add element ip ${name} m { 192.0.2.1 : goto d }`,
  `list table ip ${name}`,
  `list map ip ${name} m`,
  `flush map ip ${name} m`,
  `delete chain ip ${name} d`,
  `add table ip ${name}`,
  `delete table ip ${name}`,
];

/** Parts of a transaction, and the commands that are given alone: some words are refused in some of them only. */
async function isRefused(name: string): Promise<boolean> {
  const answers = await runNft(commandsFor(name).map((text) => ({ text })));
  return answers.some((answer) => 'complaint' in answer);
}

test.skipIf(!kernelTestsRun)(
  'nft accepts every other keyword as the name of a table, and none that is reserved',
  async () => {
    const refused: string[] = [];
    for (const word of keywords) {
      if (await isRefused(word)) {
        refused.push(word);
      }
    }
    const reserved = keywords.filter((word) => tableNameProblem(word) !== undefined);
    const isNewer = (word: string): boolean => newer.includes(word) && !refused.includes(word);
    expect(reserved.filter((word) => !isNewer(word))).toEqual(refused);
    expect(refused.length).toBeGreaterThan(150);
  },
  120_000,
);
