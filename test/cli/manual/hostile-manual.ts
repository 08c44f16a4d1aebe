import type { CommandManual, ProgramManual } from '../../../src/cli/manual/manual.ts';

/** A description with every character that is special in a shell, in roff or in Markdown. */
export const hostileText = `it's [a] "b": $(touch pwned) \`touch pwned\` \\n \\fB 100% <c> | {d} -e *f* _g_ #`;

const nothing = {
  arguments: [],
  options: [],
  examples: [],
  notes: [],
  exitCodes: [],
} satisfies Partial<CommandManual>;

function command(name: string, more: Partial<CommandManual>): CommandManual {
  return { name, summary: hostileText, description: hostileText, usage: `svc2nft ${name}`, ...nothing, ...more };
}

/** A command line whose texts try to be interpreted. */
export const hostileManual: ProgramManual = {
  ...command('svc2nft', {}),
  usage: 'svc2nft [options] [command]',
  version: '1.2.3',
  defaultCommand: 'one',
  commands: [
    command('one', {
      options: [
        {
          flags: '--first <word>',
          names: ['--first'],
          description: hostileText,
          value: { name: `it's:[a]`, words: ['plain', `it's`], files: false },
          default: undefined,
          required: false,
          repeatable: false,
        },
        {
          flags: '--fixed',
          names: ['--fixed'],
          description: `.second line: ${hostileText}`,
          value: undefined,
          default: undefined,
          required: false,
          repeatable: false,
        },
      ],
      examples: [`.svc2nft one --first 'a  b' | sed 's/\\\\n//' # ${hostileText}`],
      notes: [
        { kind: 'prose', text: `.dot first ${hostileText}` },
        { kind: 'lines', text: `.dot first\n'quote first\n  ${hostileText}` },
      ],
      exitCodes: [{ code: '0', meaning: hostileText }],
    }),
    command('two', {}),
  ],
};
