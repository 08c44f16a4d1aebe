import { once } from 'node:events';
import { hasError } from '../../diagnostics/diagnostic.ts';
import { type Findings, judgeExpectation } from '../../lab/judge-expectation.ts';
import { defaultName, endLab, labFolder, refuseRunning } from '../../lab/lab-folder.ts';
import { type Expectation, readExpectations } from '../../lab/read-expectations.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { inputPaths } from '../flags/compile-flags.ts';
import { wantsStdinTwice } from '../input/load-cluster.ts';
import { loadFile, loadInput } from '../input/load-files.ts';
import { loadLab } from '../input/load-lab.ts';
import { interruptionOfProcess } from '../input/watch-files.ts';
import { renderJudgments } from '../output/render-lab.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { writeOutput } from '../output/write-output.ts';
import { askLab, type LabFlags, openNamed } from './bring-up-lab.ts';

/** Checks a file of expectations, of a lab that is up, or of one that lives as long as that takes. */
export async function runLabTest(words: readonly string[], flags: LabFlags, context: Context): Promise<number> {
  const [file, ...others] = words;
  if (file === undefined) {
    context.stderr.write('error: expected svc2nft lab test FILE [PATH...]\n');
    return exitCodes.wrongUsage;
  }
  const paths = inputPaths(others, flags);
  if (wantsStdinTwice(paths, { flag: 'FILE', value: file }, context)) {
    return exitCodes.wrongUsage;
  }
  const { texts, diagnostics: unread } = await (file === '-' ? loadInput([file], context.stdin) : loadFile(file));
  const read = texts.map(readExpectations);
  const expectations = read.flatMap((one) => one.expectations);
  const diagnostics = [...unread, ...read.flatMap((one) => one.diagnostics)];
  const isRefused = hasError(diagnostics);
  reportDiagnostics(diagnostics, { refused: isRefused, context: { ...context, refusal: 'nothing is tested' } });
  if (isRefused) {
    return exitCodes.badInput;
  }
  if (paths.length === 0) {
    return checkExpectations(expectations, flags, context);
  }
  const name = flags.name === defaultName ? `test-${process.pid}` : flags.name;
  refuseRunning(labFolder(name));
  const input = await loadLab(paths, flags, context);
  if (typeof input === 'number') {
    return input;
  }
  const signal = context.interruption ?? interruptionOfProcess();
  const interrupted = once(signal, 'abort').then(() => {
    throw new Error('interrupted');
  });
  const work = async (): Promise<number> => {
    // The channel stays open: the lab ends even if this process is killed.
    await openNamed(name, { ...input, endsWithCaller: true }, context);
    return checkExpectations(expectations, { ...flags, name }, context);
  };
  try {
    return await Promise.race([work(), interrupted]);
  } finally {
    await endLab(labFolder(name));
  }
}

async function checkExpectations(
  expectations: readonly Expectation[],
  { name, output }: LabFlags,
  context: Context,
): Promise<number> {
  const findings = await askLab<readonly (Findings | { readonly problem: string })[]>(name, 'expect', expectations);
  const results = expectations.map((expectation, index) => {
    const found = findings[index] ?? { problem: 'the lab does not say' };
    const judgment = 'problem' in found ? { isMet: false, found: found.problem } : judgeExpectation(expectation, found);
    return { from: expectation.from, to: expectation.to, ...judgment };
  });
  const isMet = results.every((one) => one.isMet);
  const text =
    output === 'json'
      ? `${JSON.stringify({ isMet, expectations: results }, undefined, 2)}\n`
      : renderJudgments(results);
  const code = await writeOutput(text, undefined, context);
  return code === exitCodes.done && !isMet ? exitCodes.badInput : code;
}
