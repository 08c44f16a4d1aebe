import type { Command } from '../diff/command.ts';

/** How much a transaction writes: `5 elements added, 4 deleted, 1 chain written`, of a new table `22 elements, 24 chains`. */
export function summariseCommands(commands: readonly Command[]): string {
  const added = countElements(commands, 'add-elements');
  const made = namesIn(commands, 'add-chain');
  if (commands.some(({ kind }) => kind === 'add-table')) {
    return [...(added > 0 ? [plural(added, 'element')] : []), plural(made.size, 'chain')].join(', ');
  }
  const written = new Set([...made, ...namesIn(commands, 'add-rule')]).size;
  const parts = [
    describe('element', { added, deleted: countElements(commands, 'delete-elements') }),
    describe('chain', { written, deleted: namesIn(commands, 'delete-chain').size }),
    describe('set', { added: namesIn(commands, 'add-set').size, deleted: namesIn(commands, 'delete-set').size }),
  ];
  const text = parts.filter((part) => part !== '').join(', ');
  return text === '' ? plural(commands.length, 'command') : text;
}

/** The same for each set and chain by itself: `hairpin-connections  1 element added`. */
export function summariseParts(commands: readonly Command[]): string[] {
  const parts = new Map<string, Command[]>();
  for (const command of commands) {
    const name = nameIn(command);
    const others = parts.get(name);
    if (others) {
      others.push(command);
    } else {
      parts.set(name, [command]);
    }
  }
  return [...parts].map(([name, own]) => `${name}  ${summariseCommands(own)}`);
}

/** `5 elements added, 4 deleted`; nothing where all numbers are 0. */
function describe(noun: string, numbers: Readonly<Record<string, number>>): string {
  const some = Object.entries(numbers).filter(([, number]) => number > 0);
  return some
    .map(([verb, number], index) => `${index === 0 ? plural(number, noun) : number.toLocaleString('en')} ${verb}`)
    .join(', ');
}

function plural(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : `${noun}s`}`;
}

function countElements(commands: readonly Command[], kind: 'add-elements' | 'delete-elements'): number {
  return commands.reduce((sum, command) => sum + (command.kind === kind ? command.elements.length : 0), 0);
}

function namesIn(commands: readonly Command[], kind: Command['kind']): ReadonlySet<string> {
  return new Set(commands.filter((command) => command.kind === kind).map(nameIn));
}

/** The set or chain that a command is about; nothing for those about the table. */
function nameIn(command: Command): string {
  if ('chain' in command) {
    return typeof command.chain === 'string' ? command.chain : command.chain.name;
  }
  if ('set' in command) {
    return typeof command.set === 'string' ? command.set : command.set.name;
  }
  return '';
}
