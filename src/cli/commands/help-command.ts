import { Command } from 'commander';
import { escapeControls, suggestClosest } from '../../lib/text.ts';
import { exitCodes } from '../exit-codes.ts';

const examples = `Examples:
  svc2nft help
  svc2nft help compile
`;

const exitText = `
Exit codes: 0 done, 2 wrong usage.`;

/** `svc2nft help`. Commander's own one answers an unknown name with the whole help and not a word about the name. */
export function helpCommand(): Command {
  return new Command('help')
    .description('Prints the help of a command, as its --help does, or of the whole program.')
    .argument('[COMMAND]', 'name of the command')
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action((name: string | undefined, _flags: unknown, help: Command) => {
      const program = help.parent ?? help;
      const wanted = name === undefined ? program : program.commands.find((command) => command.name() === name);
      if (!wanted) {
        help.error(describeUnknown(name ?? '', program), { exitCode: exitCodes.wrongUsage });
      }
      wanted.outputHelp();
    });
}

function describeUnknown(name: string, { commands }: Command): string {
  const names = commands.map((command) => command.name());
  const closest = suggestClosest(name, names);
  const advice = closest === undefined ? `The commands are ${names.join(', ')}.` : `(Did you mean ${closest}?)`;
  return `error: there is no command '${escapeControls(name)}'\n${advice}`;
}
