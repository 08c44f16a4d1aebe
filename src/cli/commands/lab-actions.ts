import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { scalableKinds } from '../../control-plane/change-cluster.ts';
import { parseObjectName } from '../../control-plane/object-names.ts';
import { runInTerminal } from '../../kernel/start-process.ts';
import {
  defaultName,
  describeLabName,
  downCommand,
  endLab,
  isRunning,
  labFolder,
  listLabs,
  supervisorOf,
} from '../../lab/lab-folder.ts';
import { type LabChange, type PodDifference, rollableKinds } from '../../lab/plan-steps.ts';
import { escapeControls, joinLines } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { LabAction } from '../flags/lab-words.ts';
import { renderLab } from '../output/render-lab.ts';
import { writeOutput } from '../output/write-output.ts';
import { askLab, describeNamed, type LabFlags, reportFailure } from './bring-up-lab.ts';
import { runLabTest } from './lab-test.ts';

/** Programs that every lab needs, and what has them. */
const neededPrograms = {
  ip: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  nft: 'nftables',
} as const;

/** Why there can be no lab here; undefined if there can. */
export function findObstacle({ env }: Context): string | undefined {
  if (process.platform !== 'linux') {
    return 'a lab needs network namespaces, which only Linux has';
  }
  if (process.getuid?.() !== 0) {
    return 'a lab needs root: sudo svc2nft lab ...';
  }
  const missing = Object.entries(neededPrograms).filter(([program]) => !isInstalled(program, env));
  return missing.length === 0
    ? undefined
    : `a lab needs ${missing.map(([program, source]) => `${program} (package ${source})`).join(', ')}`;
}

function isInstalled(program: string, env: Context['env']): boolean {
  const folders = [...(env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(':'), '/usr/sbin', '/sbin'];
  return folders.filter(Boolean).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** `svc2nft lab ACTION ...` */
export function runLabAction(
  action: LabAction,
  words: readonly string[],
  flags: LabFlags,
  context: Context,
): Promise<number> {
  return reportFailure(context, () => {
    switch (action) {
      case 'curl':
      case 'nc':
      case 'dig':
        return runProgramInside(action, words, flags, context);
      case 'shell':
        return runProgramInside(words[0] ?? context.env['SHELL'] ?? 'sh', words.slice(1), flags, context);
      case 'status':
        return showStatus(words, flags, context);
      case 'down':
        return takeDown(words, flags, context);
      case 'test':
        return runLabTest(words, flags, context);
      default:
        return changeLab(action, words, flags, context);
    }
  });
}

/** Runs a program of this machine in the namespaces of a client; its exit code is passed on. */
async function runProgramInside(
  program: string,
  args: readonly string[],
  { name, from = 'outside' }: LabFlags,
  context: Context,
): Promise<number> {
  if (!program.includes('/') && !isInstalled(program, context.env)) {
    context.stderr.write(`error: ${escapeControls(program)} is not installed on this machine\n`);
    return exitCodes.noPermission;
  }
  const pid = await askLab<number>(name, 'enter', from);
  const first = supervisorOf(labFolder(name));
  if (first === undefined) {
    throw new Error('the lab has ended');
  }
  // In the namespace of processes first, so that what is started here ends with the lab, and its numbers are those of the lab.
  const outer = ['nsenter', `--target=${first}`, '--pid', '--mount', '--'];
  const inner = ['nsenter', `--target=${pid}`, '--net', '--uts', '--mount', '--'];
  const [command = '', ...others] = [...outer, ...inner, 'env', `--chdir=${process.cwd()}`, '--', program, ...args];
  return runInTerminal(command, others);
}

/** Carries out a change, and tells which Pods came and went. */
async function changeLab(
  action: ChangeAction,
  words: readonly string[],
  { name }: LabFlags,
  { stdout, stderr }: Context,
): Promise<number> {
  const change = readChange(action, words);
  if (typeof change === 'string') {
    stderr.write(`error: ${change}\n`);
    return exitCodes.wrongUsage;
  }
  const { added, removed, remarks } = await askLab<PodDifference & { readonly remarks: readonly string[] }>(
    name,
    'change',
    change,
  );
  for (const remark of remarks) {
    stderr.write(`note: ${escapeControls(remark)}\n`);
  }
  const lines = [...added.map((pod) => `+ ${pod}`), ...removed.map((pod) => `- ${pod}`)];
  stdout.write(lines.length === 0 ? 'no Pod came or went\n' : joinLines(lines.map(escapeControls)));
  return exitCodes.done;
}

type ChangeAction = Extract<LabAction, LabChange['kind']>;

/** Reads the arguments of an action that changes the lab. @returns what is wrong with them, if something is. */
function readChange(action: ChangeAction, words: readonly string[]): LabChange | string {
  const [first = '', second, ...others] = words;
  const isScale = action === 'scale';
  if (first === '' || others.length > 0 || (second !== undefined) !== isScale) {
    return `expected svc2nft lab ${action} ${usages[action]}`;
  }
  switch (action) {
    case 'scale': {
      const workload = parseObjectName(first, scalableKinds);
      const replicas = /^\d{1,4}$/.test(second ?? '') ? Number(second) : Number.NaN;
      if (typeof workload === 'string') {
        return workload;
      }
      return Number.isNaN(replicas)
        ? `${describeValue(second)} is not a number of replicas`
        : { kind: 'scale', workload, replicas };
    }
    case 'roll': {
      const workload = parseObjectName(first, rollableKinds);
      return typeof workload === 'string' ? workload : { kind: 'roll', workload };
    }
    case 'kill': {
      const [name = '', namespace = 'default', ...rest] = first
        .replace(/^pods?[:/]/, '')
        .split('/')
        .reverse();
      return rest.length > 0 || name === ''
        ? `${describeValue(first)} is not a Pod such as shop/cart-0`
        : { kind: 'kill', pod: { kind: 'Pod', namespace, name } };
    }
    case 'drain':
    case 'uncordon':
      return { kind: action, node: first.replace(/^nodes?[:/]/, '') };
  }
}

const usages: Readonly<Record<ChangeAction, string>> = {
  scale: 'KIND/NAME NUMBER',
  roll: 'KIND/NAME',
  kill: 'NAMESPACE/POD',
  drain: 'NODE',
  uncordon: 'NODE',
};

async function showStatus(words: readonly string[], flags: LabFlags, context: Context): Promise<number> {
  refuseWords(words, 'status');
  const description = await describeNamed(flags.name);
  const text = flags.output === 'json' ? `${JSON.stringify(description, undefined, 2)}\n` : renderLab(description);
  return writeOutput(text, undefined, context);
}

async function takeDown(words: readonly string[], flags: LabFlags, { stderr }: Context): Promise<number> {
  refuseWords(words, 'down');
  const wasUp = await endLab(labFolder(flags.name));
  stderr.write(`${describeLabName(flags.name)} ${wasUp ? 'is down' : 'was not up'}\n`);
  for (const folder of flags.name === defaultName ? listLabs() : []) {
    if (isRunning(folder)) {
      stderr.write(`lab ${folder.name} is still up; end it with ${downCommand(folder.name)}\n`);
    } else {
      await endLab(folder);
      stderr.write(`removed what was left of lab ${folder.name}\n`);
    }
  }
  return exitCodes.done;
}

function refuseWords(words: readonly string[], action: string): void {
  if (words.length > 0) {
    throw new Error(`lab ${action} takes no arguments`);
  }
}
