import { readFile } from 'node:fs/promises';
import { readIptables } from '../../iptables/read-iptables.ts';
import type { Program, ProgramResult } from '../../kernel/run-program.ts';
import { escapeControls, listWords, TextError } from '../../lib/text.ts';
import type { Family } from '../../net/network.ts';
import type { ListedTable } from '../../nft/listed-table.ts';
import { iptablesOwners } from '../../phases/5-plan-iptables/iptables-names.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';

/**
 * Reads the rules of iptables from the kernel, those of both variants: none for a family without chains of kube-proxy or
 * svc2nft, the exit code after a message on stderr if they cannot be read.
 */
export async function loadKernelIptables(
  families: readonly Family[],
  context: Context,
): Promise<readonly ListedTable[] | number> {
  const texts: string[] = [];
  for (const family of families) {
    const text = await saveFamily(family, context);
    if (typeof text !== 'string') {
      context.stderr.write(`error: ${text.message}\n`);
      return text.exitCode;
    }
    texts.push(text);
  }
  try {
    return readIptables(texts.join('')).filter(({ ruleset }) => iptablesOwners(ruleset).length > 0);
  } catch (error) {
    if (error instanceof TextError) {
      context.stderr.write(`error: iptables-save printed something unexpected: ${escapeControls(error.message)}\n`);
      return exitCodes.refused;
    }
    throw error;
  }
}

interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/** What the variants print, one after the other; nothing of programs that are not installed. */
async function saveFamily(family: Family, { run }: Context): Promise<string | Failure> {
  const prefix = family === 'ip' ? 'iptables' : 'ip6tables';
  const first = await save(`${prefix}-save`, run);
  const isNft = typeof first === 'string' && first.includes('(nf_tables)');
  const others: (string | Failure)[] = [];
  // The variants that the machine has not chosen. For tables that are not in use, the legacy one would load a kernel module.
  if (!isNft) {
    others.push(await save(`${prefix}-nft-save`, run));
  }
  if ((isNft || first === '') && (await hasLegacyTables(family))) {
    others.push(await save(`${prefix}-legacy-save`, run));
  }
  const all = [first, ...others];
  return all.find((one) => typeof one !== 'string') ?? all.join('');
}

async function hasLegacyTables(family: Family): Promise<boolean> {
  const path = `/proc/net/${family === 'ip' ? 'ip' : 'ip6'}_tables_names`;
  return (await readFile(path, 'utf8').catch(() => '')).trim() !== '';
}

async function save(program: Program, run: Context['run']): Promise<string | Failure> {
  const result = await run(program, [], undefined, { longest: longestListing });
  if (result.exitCode === 0 || result.missing) {
    return result.exitCode === 0 ? result.stdout : '';
  }
  const isForbidden = result.denied || /permission denied|must be root/i.test(result.stderr);
  return {
    message: `${program}: ${reasonOf(result)}`,
    exitCode: isForbidden ? exitCodes.noPermission : exitCodes.refused,
  };
}

/** In milliseconds; half a million rules take a minute. */
const longestListing = 300_000;

function reasonOf({ stderr, signal, exitCode }: ProgramResult): string {
  const [line = ''] = stderr.trim().split('\n');
  return escapeControls(line) || `ended with ${signal ?? `exit code ${exitCode}`}`;
}

/** Says on stderr whose rules of iptables these are. */
export function noteIptables(tables: readonly ListedTable[], { stderr }: Pick<Context, 'stderr'>): void {
  const owners = [...new Set(tables.flatMap(({ ruleset }) => iptablesOwners(ruleset)))];
  if (owners.length > 0) {
    stderr.write(`note: these are the rules of ${listWords(owners)} for iptables\n`);
  }
}
