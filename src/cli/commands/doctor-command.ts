import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { tableNameProblem } from '../../config/check-options.ts';
import { diagnose } from '../../inspect/doctor/diagnose.ts';
import type { Instruments } from '../../inspect/doctor/facts.ts';
import type { DoctorFinding } from '../../inspect/doctor/finding.ts';
import { gatherFacts } from '../../inspect/doctor/gather-facts.ts';
import { countFindings, renderFindings } from '../../inspect/doctor/render-findings.ts';
import { withDefaults } from '../../options.ts';
import { type Context, packageFile, wantsColor } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { checkedText } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { fitLines } from '../output/fit-text.ts';
import { withProgress } from '../output/progress.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  svc2nft doctor
  svc2nft doctor --root /host
  svc2nft doctor -o json | jq '.findings[] | select(.status == "problem")'
`;

const notes = `
Changes nothing: rules are tried in a temporary network namespace. Without root, it lists what it could not check.
In a container, --root says where the files of the host are; kubectl debug node/NODE mounts them at /host.
docs/doctor.md explains every finding.
`;

/** The command `svc2nft doctor`. */
export function doctorCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('doctor')
    .description(
      'Checks nft, the kernel, permissions, settings, and other programs that translate Services or delete rules.',
    )
    .optionsGroup('Rules:')
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .optionsGroup('Node:')
    .option('--root <dir>', 'where the files of the node are, in a container (default: /)')
    .optionsGroup('Output:')
    .addOption(formatOption('text: human-readable; json: for programs', ['text', 'json']).default('text'))
    .action(async (flags: DoctorFlags) => {
      setExitCode(await runDoctor(flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

/** The flags of `svc2nft doctor`. */
export interface DoctorFlags {
  readonly table?: string;
  readonly root?: string;
  readonly output: 'text' | 'json';
}

/** 1 means that there is a problem; warnings and notes do not count. */
const verdicts = { healthy: exitCodes.done, unhealthy: exitCodes.badInput } as const;

/** Where the links of the findings lead to on this machine: docs is part of the package, beside dist and src. */
const page = fileURLToPath(packageFile('docs/doctor.md'));

/** Examines this machine and prints the findings; resolves to the exit code. */
export async function runDoctor(
  flags: DoctorFlags,
  context: Context,
  readText: Instruments['readText'] = flags.root === undefined ? readHead : readHostFiles(flags.root),
): Promise<number> {
  const { table } = withDefaults({ ...(flags.table !== undefined && { table: flags.table }) });
  const facts = await withProgress(context, ({ watch }) => gatherFacts({ run: watch(context.run), readText }, table));
  const findings = diagnose(facts);
  const text =
    flags.output === 'json'
      ? jsonOf(findings)
      : fitLines(renderFindings(findings, { color: wantsColor(context, 'stdout'), page }), context.stdout);
  await writeOutput(text, undefined, context);
  return findings.some(({ status }) => status === 'problem') ? verdicts.unhealthy : verdicts.healthy;
}

function jsonOf(findings: readonly DoctorFinding[]): string {
  return `${JSON.stringify({ counts: countFindings(findings), page, findings }, undefined, 2)}\n`;
}

/** Reads configuration of the host below a folder. /proc and /sys are those of the kernel, which is the same. */
export function readHostFiles(root: string): Instruments['readText'] {
  return async (path) => readHead(path.startsWith('/etc/') ? await followLinks(root, path) : path);
}

/** Where a path of the host leads, whose links mean the root folder of the host. */
async function followLinks(root: string, path: string): Promise<string> {
  let place = path;
  // As many as Linux follows.
  for (let links = 0; links < 40; links += 1) {
    const target = await readlink(join(root, place)).catch(() => undefined);
    if (target === undefined) {
      break;
    }
    place = isAbsolute(target) ? target : join(dirname(place), target);
  }
  return join(root, place);
}

/** In bytes. The checks need no more of a file; only the list of a large IPVS is longer. */
const longestHead = 1_048_576;

/** The first part of a file, as text; undefined if it does not exist or may not be read. */
export async function readHead(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    // Opening a pipe must not block.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return await readWhole(file);
  } catch {
    return undefined;
  } finally {
    await file?.close();
  }
}

/** Files in /proc claim a size of 0, and return a page at a time. */
async function readWhole(file: FileHandle): Promise<string> {
  const head = Buffer.allocUnsafe(longestHead);
  let length = 0;
  while (length < longestHead) {
    const { bytesRead } = await file.read(head, length, longestHead - length, null);
    if (bytesRead === 0) {
      break;
    }
    length += bytesRead;
  }
  return head.toString('utf8', 0, length);
}
