import { Argument, Command, Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { describeProgram, valueBeginnings } from '../../../src/cli/manual/manual.ts';
import { currentManual } from './current-manual.ts';

describe('the command line of svc2nft', () => {
  const manual = currentManual;

  test.each(manual.commands.map((command) => [command.name, command] as const))(
    '%s has a summary, examples, exit codes, and a text for each option and argument',
    (name, command) => {
      expect(command.summary).toMatch(/^[a-z].*[^.]$/);
      expect(command.description).toMatch(/\.$/);
      expect(command.examples.length).toBeGreaterThan(0);
      expect(command.examples.filter((line) => !line.includes(`svc2nft ${name}`))).toEqual([]);
      const codes = command.exitCodes.map(({ code }) => code);
      expect(codes).toEqual(['0', '1', '2', '3', '4'].filter((code) => codes.includes(code)));
      expect(codes[0]).toBe('0');
      expect([...command.options, ...command.arguments].filter(({ description }) => description === '')).toEqual([]);
    },
  );

  test('every placeholder with words belongs to an option whose text names them', () => {
    const options = manual.commands.flatMap((command) => command.options);
    for (const [placeholder, words] of valueBeginnings) {
      const [option] = options.filter(({ value }) => value?.name === placeholder);
      expect(option?.value).toEqual({ name: placeholder, words, files: false, open: true });
      expect(words.filter((word) => !option?.description.includes(word))).toEqual([]);
    }
  });

  test('an unknown first word calls the default command', () => {
    expect(manual.commands.map(({ name }) => name)).toContain(manual.defaultCommand);
    expect(manual.notes).toEqual([
      {
        kind: 'prose',
        text: '"svc2nft PATH" is short for "svc2nft compile PATH"; "svc2nft help compile" lists its options.',
      },
    ]);
  });
});

describe('any command line', () => {
  test('definitions of commander and the texts around its help', () => {
    const sub = new Command('sub')
      .summary('do it')
      .description('Does it.')
      .argument('<FILE>', 'what to read')
      .addArgument(new Argument('[WORD...]', 'which ones').choices(['a', 'b']))
      .option('--where <file|kernel>', 'where from')
      .option('-n, --name <name>', 'whose; may be repeated')
      .requiredOption('--must <text>', 'needed')
      .addOption(new Option('-o, --output <format>', 'how').choices(['x', 'y']).default('x'))
      .addOption(new Option('--secret').hideHelp())
      .addHelpText('before', 'Examples:\n  outer sub a   first\n  outer sub b\n')
      .addHelpText(
        'after',
        '\nOne line\nand another:\n  A  table\n  B  row\nThe end.\n\nExit codes: 0 done, or\nnothing to do, 1 bad,\nreally, 2 worse.',
      );
    const { commands, ...outer } = describeProgram(new Command('outer').description('All.').addCommand(sub), 'sub');
    expect(outer).toMatchObject({
      name: 'outer',
      description: 'All.',
      usage: 'outer [options] [command]',
      defaultCommand: 'sub',
    });
    const any = { default: undefined, required: false, repeatable: false };
    expect(commands).toEqual([
      {
        name: 'sub',
        summary: 'do it',
        description: 'Does it.',
        usage: 'outer sub [options] <FILE> [WORD...]',
        arguments: [
          {
            term: '<FILE>',
            description: 'what to read',
            value: { name: 'FILE', words: [], files: true },
            variadic: false,
          },
          {
            term: '[WORD...]',
            description: 'which ones',
            value: { name: 'WORD', words: ['a', 'b'], files: false },
            variadic: true,
          },
        ],
        options: [
          {
            ...any,
            flags: '--where <file|kernel>',
            names: ['--where'],
            description: 'where from',
            value: { name: 'file|kernel', words: ['kernel'], files: true },
          },
          {
            ...any,
            flags: '-n, --name <name>',
            names: ['-n', '--name'],
            description: 'whose; may be repeated',
            value: { name: 'name', words: [], files: false },
            repeatable: true,
          },
          {
            ...any,
            flags: '--must <text>',
            names: ['--must'],
            description: 'needed',
            value: { name: 'text', words: [], files: false },
            required: true,
          },
          {
            ...any,
            flags: '-o, --output <format>',
            names: ['-o', '--output'],
            description: 'how',
            value: { name: 'format', words: ['x', 'y'], files: false },
            default: 'x',
          },
          {
            ...any,
            flags: '-h, --help',
            names: ['-h', '--help'],
            description: 'display help for command',
            value: undefined,
          },
        ],
        examples: ['outer sub a   first', 'outer sub b'],
        notes: [
          { kind: 'prose', text: 'One line and another:' },
          { kind: 'lines', text: '  A  table\n  B  row' },
          { kind: 'prose', text: 'The end.' },
        ],
        exitCodes: [
          { code: '0', meaning: 'done, or nothing to do' },
          { code: '1', meaning: 'bad, really' },
          { code: '2', meaning: 'worse' },
        ],
      },
    ]);
  });

  test('exit codes on separate lines', () => {
    const program = new Command('outer').addHelpText('after', '\nExit codes:\n  0 done\n  1 bad');
    expect(describeProgram(program, '').exitCodes).toEqual([
      { code: '0', meaning: 'done' },
      { code: '1', meaning: 'bad' },
    ]);
  });
});
