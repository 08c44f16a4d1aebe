import { Argument, Command } from 'commander';
import { type Context, defaultCommand } from '../context.ts';
import { completeBash } from '../manual/complete-bash.ts';
import { completeFish } from '../manual/complete-fish.ts';
import { completeZsh } from '../manual/complete-zsh.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { describeProgram, type ProgramManual } from '../manual/manual.ts';
import { writeOutput } from '../output/write-output.ts';

const examples = `
  source <(svc2nft completion bash)
  svc2nft completion zsh > ~/.zfunc/_svc2nft
  svc2nft completion fish > ~/.config/fish/completions/svc2nft.fish
`;

const notes = `
The first lines of each script say how to install it. With the package bash-completion, the script for bash can be
written to ~/.local/share/bash-completion/completions/svc2nft, which is loaded on demand.

kubectl svc2nft needs none: kubectl's own completion asks the executable kubectl_complete-svc2nft.
`;

/** `svc2nft completion`: a script for a shell. */
export function completionCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = new Command('completion')
    .description('Prints a script with which a shell completes commands, options, their values and file names.')
    .addArgument(new Argument('<bash|zsh|fish>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell, _flags: unknown, command: Command) => {
      setExitCode(await runCompletion(shell, command.parent ?? command, context));
    });
  return addHelpTexts(command, { notes, examples });
}

type Shell = 'bash' | 'zsh' | 'fish';

const scripts: Readonly<Record<Shell, (manual: ProgramManual) => string>> = {
  bash: completeBash,
  zsh: completeZsh,
  fish: completeFish,
};

/** Prints the completion script of a shell; resolves to the exit code. */
async function runCompletion(shell: Shell, program: Command, context: Context): Promise<number> {
  return writeOutput(scripts[shell](describeProgram(program, defaultCommand)), undefined, context);
}
