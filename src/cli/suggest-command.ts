import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { suggestClosest } from '../suggest-closest.ts';

/**
 * What to say where a path is none but looks like a command; undefined for all else. Any first word that is no command is
 * taken for a path of `compile`, which is the default command.
 *
 * @param compile the command as it was called.
 */
export function suggestCommand(path: string | undefined, compile: Command): string | undefined {
  const { parent } = compile;
  if (path === undefined || !parent || parent.args[0] === compile.name() || existsSync(path)) {
    return undefined;
  }
  const names = parent.commands.map((command) => command.name());
  if (names.includes(path)) {
    return `(The command comes first: svc2nft ${path} ...)`;
  }
  const name = suggestClosest(path, names);
  return name && `(Did you mean the command svc2nft ${name}?)`;
}
