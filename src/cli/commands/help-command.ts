import { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import { describeUnknownCommand } from '../manual/unknown-words.ts';

const examples = `
  svc2nft help
  svc2nft help compile
`;

/** `svc2nft help`. Commander's own help command prints the whole help for an unknown name, without saying that it is unknown. */
export function helpCommand(): Command {
  const command = new Command('help')
    .description('Prints the help of a command, like its --help, or of the whole program.')
    .argument('[COMMAND]', 'the command')
    .action((name: string | undefined, _flags: unknown, help: Command) => {
      const program = help.parent ?? help;
      const wanted = name === undefined ? program : program.commands.find((command) => command.name() === name);
      if (!wanted) {
        help.error(
          describeUnknownCommand(
            name ?? '',
            program.commands.map((command) => command.name()),
          ),
          { exitCode: exitCodes.wrongUsage },
        );
      }
      wanted.outputHelp();
    });
  return addHelpTexts(command, { examples });
}
