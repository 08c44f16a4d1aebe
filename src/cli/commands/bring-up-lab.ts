import { existsSync } from 'node:fs';
import type { LabDescription } from '../../lab/describe-lab.ts';
import {
  connectLab,
  defaultName,
  describeLabName,
  endLab,
  labFolder,
  logOf,
  refuseRunning,
  startLab,
} from '../../lab/lab-folder.ts';
import type { Channel } from '../../lab/open-channel.ts';
import { countOf, escapeControls, suggestClosest } from '../../lib/text.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { inputPaths } from '../flags/compile-flags.ts';
import { labActions } from '../flags/lab-words.ts';
import type { ResolveFlags } from '../flags/resolve-flags.ts';
import { type LabInput, loadLab } from '../input/load-lab.ts';
import { suggestCommands } from '../output/render-lab.ts';

/** The flags of `svc2nft lab`. */
export interface LabFlags extends ResolveFlags {
  readonly filename?: readonly string[];
  readonly name: string;
  readonly from?: string;
  readonly output: 'text' | 'json';
}

/** `svc2nft lab PATH...` */
export async function bringUp(words: readonly string[], flags: LabFlags, context: Context): Promise<number> {
  return reportFailure(context, async () => {
    refuseRunning(labFolder(flags.name));
    const input = await loadLab(inputPaths(words, flags), flags, context);
    if (typeof input === 'number') {
      noteAction(words, context);
      return input;
    }
    const start = context.now();
    const channel = await openNamed(flags.name, { ...input, endsWithCaller: false }, context);
    channel.close();
    const description = await describeNamed(flags.name);
    const seconds = ((context.now() - start) / 1000).toFixed(1);
    const { nodes, pods, services } = description;
    const counts = [countOf(nodes.length, 'node'), countOf(pods.length, 'Pod'), countOf(services.length, 'Service')];
    context.stderr.write(`${describeLabName(flags.name)} is up after ${seconds} s: ${counts.join(', ')}\n`);
    context.stderr.write(suggestCommands(description, nameWords(flags)));
    return exitCodes.done;
  });
}

/** A path that is not there may be an action with a typo. */
function noteAction([first = '']: readonly string[], { stderr }: Context): void {
  const closest = existsSync(first) ? undefined : suggestClosest(first, labActions);
  if (closest !== undefined) {
    stderr.write(`note: did you mean svc2nft lab ${closest}?\n`);
  }
}

/**
 * Brings up a lab; it is down again if that fails.
 *
 * @returns the channel that it was asked through: a lab that ends with its caller ends when that is closed.
 */
export async function openNamed(
  name: string,
  input: LabInput & { readonly endsWithCaller: boolean },
  { stderr }: Context,
): Promise<Channel> {
  const folder = labFolder(name);
  const channel = await startLab(folder);
  try {
    const remarks = (await channel.ask('up', input)) as readonly string[];
    for (const remark of remarks) {
      stderr.write(`note: ${escapeControls(remark)}\n`);
    }
    return channel;
  } catch (error) {
    const log = logOf(folder).trim();
    await endLab(folder);
    throw log === '' ? error : new Error(`${(error as Error).message}\n${log}`);
  }
}

/** Asks a lab that is up. @throws Error with what it says. */
export async function askLab<T>(name: string, question: string, parameter?: unknown): Promise<T> {
  const channel = await connectLab(labFolder(name));
  try {
    return (await channel.ask(question, parameter)) as T;
  } finally {
    channel.close();
  }
}

/** What a lab is now. @throws Error when none of that name is up. */
export function describeNamed(name: string): Promise<LabDescription> {
  return askLab(name, 'status');
}

function nameWords({ name }: LabFlags): string {
  return name === defaultName ? '' : ` --name ${name}`;
}

function fail(message: string, { stderr }: Context): number {
  stderr.write(`error: ${message.split('\n').map(escapeControls).join('\n')}\n`);
  return exitCodes.badInput;
}

/** Errors of the lab are told, not thrown. */
export async function reportFailure(context: Context, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), context);
  }
}
