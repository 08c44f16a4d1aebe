import { fileURLToPath } from 'node:url';
import { diagnose } from '../doctor/diagnose.ts';
import type { Instruments } from '../doctor/facts.ts';
import type { Finding } from '../doctor/finding.ts';
import { gatherFacts } from '../doctor/gather-facts.ts';
import { withDefaults } from '../options.ts';
import { exitCodes } from './exit-codes.ts';
import { withProgress } from './progress.ts';
import { readHead } from './read-head.ts';
import { countFindings, renderFindings } from './render-findings.ts';
import { type Streams, wantsColour } from './streams.ts';
import { writeOutput } from './write-output.ts';

/** The flags of `svc2nft doctor`. */
export interface DoctorFlags {
  readonly table?: string;
  readonly output: 'text' | 'json';
}

/** 1 says that there is a problem; warnings and notes are none. */
const verdicts = { healthy: exitCodes.done, ill: exitCodes.badInput } as const;

/** Where the links of the findings lead to on this machine: docs is part of the package, beside dist and src. */
const page = fileURLToPath(new URL('../../docs/doctor.md', import.meta.url));

/** Looks at this machine, prints what it finds, and resolves to the exit code. */
export async function runDoctor(
  flags: DoctorFlags,
  streams: Streams,
  readText: Instruments['readText'] = readHead,
): Promise<number> {
  const { table } = withDefaults({ ...(flags.table !== undefined && { table: flags.table }) });
  const facts = await withProgress(streams, ({ watch }) => gatherFacts({ run: watch(streams.run), readText }, table));
  const findings = diagnose(facts);
  const text =
    flags.output === 'json'
      ? jsonOf(findings)
      : renderFindings(findings, { colour: wantsColour(streams, 'stdout'), page });
  await writeOutput(text, undefined, streams);
  return findings.some(({ status }) => status === 'problem') ? verdicts.ill : verdicts.healthy;
}

function jsonOf(findings: readonly Finding[]): string {
  return `${JSON.stringify({ counts: countFindings(findings), page, findings }, undefined, 2)}\n`;
}
