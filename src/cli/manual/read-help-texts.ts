import type { Command } from 'commander';
import type { CommandManual, ExitCodeManual, TextBlock } from './manual.ts';

/** What stands before and after the help of a command that commander makes itself (`addHelpText`). */
export function readHelpTexts(command: Command): Pick<CommandManual, 'examples' | 'notes' | 'exitCodes'> {
  const [before = '', after = ''] = captureHelp(command).split(command.helpInformation());
  const paragraphs = after.split(/\n{2,}/).map((paragraph) => paragraph.replace(/^\n+|\s+$/g, ''));
  const isAboutExit = (paragraph: string): boolean => paragraph.startsWith('Exit codes:');
  return {
    examples: readExamples(before),
    notes: paragraphs.filter((paragraph) => paragraph !== '' && !isAboutExit(paragraph)).flatMap(readBlocks),
    exitCodes: paragraphs.filter(isAboutExit).flatMap(readExitCodes),
  };
}

/** All of the help. */
function captureHelp(command: Command): string {
  const output = command.configureOutput();
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  command.configureOutput(output);
  return help;
}

/** The lines below `Examples:`, without what they share in indentation. */
function readExamples(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && line !== 'Examples:');
  const indentation = Math.min(...lines.map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indentation));
}

/** Lines that are indented are meant as they are: tables, samples. All others are prose. */
function readBlocks(paragraph: string): readonly TextBlock[] {
  const blocks: TextBlock[] = [];
  for (const line of paragraph.split('\n')) {
    const kind = /^\s/.test(line) ? 'lines' : 'prose';
    const before = blocks.at(-1)?.kind === kind ? blocks.pop() : undefined;
    const separator = kind === 'prose' ? ' ' : '\n';
    blocks.push({ kind, text: before ? `${before.text}${separator}${line}` : line });
  }
  return blocks;
}

/** Reads `Exit codes: 0 done, 1 bad input, 2 wrong usage.`; each code may as well have a line of its own. */
function readExitCodes(paragraph: string): readonly ExitCodeManual[] {
  return paragraph
    .replace('Exit codes:', '')
    .trim()
    .replace(/\.$/, '')
    .split(/[,;]\s+(?=\d\s)|\n\s*(?=\d\s)/)
    .map((part) => {
      const [code = '', ...words] = part.split(/\s+/);
      return { code, meaning: words.join(' ') };
    });
}
