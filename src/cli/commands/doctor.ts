import { Command, Option } from 'commander';
import { tableNameProblem } from '../../config/value-problems.ts';
import { checkedText } from '../option-values.ts';
import type { DoctorFlags } from '../run-doctor.ts';
import type { Streams } from '../streams.ts';

const examples = `Examples:
  svc2nft doctor
  svc2nft doctor -o json | jq '.findings[] | select(.status == "problem")'
`;

const exitText = `
Changes nothing: rules are tried in a network namespace that is gone at once. Without root it says what it could not see.
docs/doctor.md explains every finding.

Exit codes: 0 no problem (there may be warnings), 1 a problem that keeps Services from working, 2 wrong usage.`;

/** `svc2nft doctor`: whether this machine can do the work, and who else does it. */
export function doctorCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return new Command('doctor')
    .summary('look for what keeps Services from working on this machine')
    .description(
      'Looks at nft, the kernel, permissions, settings, and other programs that translate Services or delete rules.',
    )
    .option('--table <name>', 'name of the nft table (default: svc2nft)', checkedText(tableNameProblem))
    .addOption(
      new Option('-o, --output <format>', 'text: for people; json: for programs')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('../run-doctor.ts');
      setExitCode(await runDoctor(flags, streams));
    });
}
