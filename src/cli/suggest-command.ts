import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { suggestClosest } from '../suggest-closest.ts';

/**
 * What to say where a path is none but looks like a command; undefined for all else. Any first word that is no command is
 * taken for a path of `compile`, which is the default command.
 *
 * @param program the outermost command, as it was called.
 */
export function suggestCommand(path: string | undefined, program: Command): string | undefined {
  const names = program.commands.map((command) => command.name());
  const [firstWord] = program.args;
  const wasCommand = firstWord !== undefined && names.includes(firstWord);
  if (path === undefined || wasCommand || existsSync(path)) {
    return undefined;
  }
  if (names.includes(path)) {
    return `(The command comes first: svc2nft ${path} ...)`;
  }
  if (path === 'version') {
    return '(Did you mean svc2nft --version?)';
  }
  const name = suggestClosest(path, names);
  return name && `(Did you mean the command svc2nft ${name}?)`;
}
