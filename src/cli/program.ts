import { existsSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { basename } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { LockError, withLock, withoutLock } from '../apply/with-lock.ts';
import { kernelFilesIn } from '../kernel/kernel-files.ts';
import { createRunProgram } from '../kernel/run-program.ts';
import { escapeControls, hideCredentials, listWords } from '../lib/text.ts';
import { version } from '../version.ts';
import { type CommandEntry, commands, type SetExitCode } from './command-list.ts';
import { type Context, defaultCommand, type GivenContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import {
  addGeneralOptions,
  type GeneralFlags,
  joinDryRun,
  readEqualsSigns,
  readGeneralFlags,
  refuseRepeated,
} from './flags/general-flags.ts';
import { endLabFlags } from './flags/lab-words.ts';
import { addHelpTexts, asCalled, formatHelp } from './manual/format-help.ts';
import { adviseOnOption, describeUnknownCommand, looksLikeCommand } from './manual/unknown-words.ts';
import { fitMessages, outputWidth } from './output/fit-text.ts';
import { jsonLines } from './output/json-lines.ts';

/** These describe the other commands, so they need all of them. */
const describingCommands: readonly (string | undefined)[] = ['completion', 'help'];

/**
 * Parses the arguments and runs the command that they call.
 *
 * @param args the arguments after the program's name.
 * @returns the exit code; see exit-codes.ts.
 */
export async function runProgram(args: readonly string[], given: GivenContext): Promise<number> {
  let exitCode: number = exitCodes.done;
  const setExitCode = (code: number): void => {
    exitCode = code;
  };
  if (calledAs(given) === 'kubectl_complete-svc2nft') {
    return completeLine(args, given);
  }
  const entries = entriesFor(args);
  const context = completeContext(given, { ...readGeneralFlags(args), refusal: entries[0]?.refusal });
  const program = await buildProgram(context, setExitCode, entries);
  try {
    checkFirstWord(args, program);
    await program.parseAsync(readWords(args, program), { from: 'user' });
  } catch (error) {
    if (error instanceof LockError) {
      context.stderr.write(`error: ${error.message}\n`);
      return exitCodes.refused;
    }
    if (!(error instanceof CommanderError)) {
      throw error;
    }
    if (error.code === 'commander.unknownOption') {
      context.stderr.write(describeUnknownOption(error, args));
    }
    // Commander ends help and version this way too, with exit code 0.
    exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUsage;
  }
  return exitCode;
}

/** The name of the executable. */
function calledAs({ argv }: GivenContext): string {
  return basename(argv?.[1] ?? '', '.js');
}

/** Prints how the words after `kubectl svc2nft` may go on. */
async function completeLine(line: readonly string[], given: GivenContext): Promise<number> {
  const program = await buildProgram(completeContext(given, readGeneralFlags([])), () => undefined);
  const [{ describeProgram }, { completeForKubectl }] = await Promise.all([
    import('./manual/manual.ts'),
    import('./manual/complete-words.ts'),
  ]);
  given.stdout.write(completeForKubectl(describeProgram(program, defaultCommand), line));
  return exitCodes.done;
}

/** The arguments in the form that commander understands. */
function readWords(args: readonly string[], program: Command): string[] {
  const firstWord = firstWordOf(args);
  const named = program.commands.find((command) => command.name() === firstWord);
  const called = named ?? program.commands.find((command) => command.name() === defaultCommand) ?? program;
  return readEqualsSigns(joinWords(firstWord, args), called);
}

function joinWords(firstWord: string | undefined, args: readonly string[]): readonly string[] {
  switch (firstWord) {
    case 'apply':
      return joinDryRun(args, existsSync);
    case 'lab':
      return endLabFlags(args);
    default:
      return args;
  }
}

const commandNames = commands.map(({ name }) => name);

/** Throws if the first word is not a command and cannot be the path of a file either. */
function checkFirstWord([word = '']: readonly string[], program: Command): void {
  if (!commandNames.includes(word) && looksLikeCommand(word, existsSync)) {
    program.error(describeUnknownCommand(word, commandNames));
  }
}

/** Throws if a path of the default command, which was not named, can only be meant as a command. */
function checkPaths(args: readonly string[], program: Command): void {
  const misplaced = describeMisplaced(args);
  if (misplaced !== '') {
    program.error(`error: ${misplaced.trim()}`);
  }
  checkFirstWord(args, program);
}

/** What to say about a command that is not the first word; empty if there is none. */
function describeMisplaced(args: readonly string[]): string {
  const misplaced = args.find((word) => commandNames.includes(word) && looksLikeCommand(word, existsSync));
  return misplaced === undefined ? '' : `the command comes first: svc2nft ${misplaced} ...\n`;
}

/** What to do without an option that the command does not have; empty where nothing is known. */
function describeUnknownOption({ message }: CommanderError, args: readonly string[]): string {
  // Possibly an option of the command that follows.
  const misplaced = args[0]?.startsWith('-') ? describeMisplaced(args) : '';
  if (misplaced !== '') {
    return misplaced;
  }
  const [, option = ''] = /'(.*?)'/s.exec(message) ?? [];
  const firstWord = firstWordOf(args);
  const advice = adviseOnOption(option, commandNames.find((name) => name === firstWord) ?? defaultCommand);
  return advice === undefined ? '' : `note: ${advice}\n`;
}

/** The commands whose modules are needed for these arguments. */
function entriesFor(args: readonly string[]): readonly CommandEntry[] {
  const firstWord = firstWordOf(args);
  const called = commands.filter(({ name }) => name === firstWord);
  const describesAll =
    describingCommands.includes(firstWord) || (called.length === 0 && (args.includes('--help') || args.includes('-h')));
  if (describesAll) {
    return commands;
  }
  return called.length > 0 ? called : commands.filter(({ name }) => name === defaultCommand);
}

/** The word that may name a command; commander accepts `--` before it. */
function firstWordOf([first, second]: readonly string[]): string | undefined {
  return first === '--' ? second : first;
}

/** The system's own lock and program runner, unless the caller brings its own. */
function completeContext(given: GivenContext, flags: GeneralFlags & Pick<Context, 'refusal'>): Context {
  const { stdin, stdout, stderr, env, run, kernelFiles, now, hostName, addresses, interruption } = given;
  const known = addresses ?? (run ? undefined : ownAddresses);
  const files = kernelFiles ?? (run ? undefined : kernelFilesIn('/'));
  const isPlugin = calledAs(given) === 'kubectl-svc2nft';
  const lines = flags.diagnostics === 'json' ? jsonLines(stderr) : fitMessages(stderr);
  const messages = isPlugin ? namingPlugin(lines) : lines;
  const tell = (notice: string): void => {
    messages.write(`warning: ${notice}\n`);
  };
  return {
    ...flags,
    stdin,
    stdout,
    stderr: messages,
    env,
    run: run ?? createRunProgram({ env }),
    // A caller that brings its own programs brings its own kernel, too.
    lock: run ? withoutLock : (request, work) => withLock({ tell, ...request }, work),
    now: now ?? ((): number => performance.now()),
    hostName: hostName ?? hostname(),
    isPlugin,
    ...(known && { addresses: known }),
    ...(files && { kernelFiles: files }),
    ...(interruption && { interruption }),
  };
}

/** A stderr whose messages name commands as kubectl's plugin has them. */
function namingPlugin(stderr: Context['stderr']): Context['stderr'] {
  const write = (text: string): boolean => stderr.write(asCalled(text, pluginName, commandNames));
  return Object.create(stderr, { write: { value: write } });
}

/** Those that a Node may have, as inet_ntop(3) writes them. */
function ownAddresses(): string[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const others = interfaces.filter(({ address, internal }) => !internal && !address.startsWith('fe80:'));
  return others.map(({ address }) => address);
}

/** How a plugin of kubectl is called. */
const pluginName = 'kubectl svc2nft';

const notes = '"svc2nft PATH" is short for "svc2nft compile PATH"; "svc2nft help compile" lists its options.';

const examples = `
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft compile manifests/ --node worker-1 --config kube-proxy.yaml --file rules.nft
  svc2nft apply dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft explain dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --from outside --to 192.0.2.11:30080
  svc2nft list --live --cluster-cidr 10.244.0.0/16 -o wide
  svc2nft verify dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --ruleset kernel
  svc2nft graph dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --file graph.html
  svc2nft doctor
`;

/**
 * Builds the command line. Nothing in it ends the process: commander throws, and `setExitCode` receives the outcome.
 *
 * @param complete the commands to load, all by default. The others are known by name and summary only.
 */
export async function buildProgram(
  context: Context,
  setExitCode: SetExitCode,
  complete: readonly CommandEntry[] = commands,
): Promise<Command> {
  const program = new Command(context.isPlugin ? pluginName : 'svc2nft')
    .usage('[command] [options] [PATH...]')
    .description("Compiles Kubernetes Services and EndpointSlices into a node's nftables ruleset, and applies it.")
    .optionsGroup('General:')
    .version(version, '-V, --version', 'print the version')
    .addHelpOption(new Option('-h, --help', 'print help').helpGroup('General:'))
    // commands/help-command.ts takes its place.
    .helpCommand(false)
    .showSuggestionAfterError()
    .showHelpAfterError(context.diagnostics === 'json' ? false : '(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      // Commander repeats arguments in its messages.
      writeErr: (text) => context.stderr.write(text.split('\n').map(escapeControls).join('\n')),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => outputWidth(context),
      getErrHelpWidth: () => outputWidth(context),
    })
    .configureHelp({ formatHelp });
  addHelpTexts(program, { notes, examples });
  program.hook('preAction', (_, called) => {
    const isNamed = firstWordOf(program.args) === called.name();
    if (called.name() === defaultCommand && !isNamed) {
      checkPaths(called.args, program);
    }
  });
  for (const entry of commands) {
    const { name, group, summary, load } = entry;
    const command = complete.includes(entry) ? (await load())(context, setExitCode) : new Command(name);
    refuseRepeated(addGeneralOptions(command));
    if (context.isPlugin) {
      describePluginInput(command);
    }
    program.addCommand(command.summary(summary).helpGroup(group).copyInheritedSettings(program), {
      isDefault: name === defaultCommand,
    });
    nameBadValues(command);
  }
  return program;
}

/** Says what a command that may read a cluster reads by default as a plugin. */
function describePluginInput({ options, registeredArguments: [paths] }: Command): void {
  if (paths && options.some(({ long }) => long === '--live')) {
    paths.description = paths.description.replace(
      'the default',
      'default: the cluster that kubectl uses, as with --live',
    );
  }
}

/** Replaces commander's messages about bad values, which repeat the declaration of the flag and the value. */
function nameBadValues(command: Command): void {
  for (const option of command.options) {
    const flag = option.long ?? option.flags;
    explainRefusals(command, option, (value, problem) => {
      if (option.argChoices && problem.startsWith('Allowed choices')) {
        return `${flag}: unknown value ${value}; ${expectedOf(option.argChoices)}`;
      }
      // Most problems begin with the value, or the part of a list that is wrong.
      return /^("|unknown value)/.test(problem) ? `${flag}: ${problem}` : `${flag} ${value}: ${problem}`;
    });
  }
  for (const argument of command.registeredArguments) {
    const noun = argument.description.replace(/^the /, '');
    explainRefusals(command, argument, (value, problem) =>
      argument.argChoices ? `unknown ${noun} ${value}; ${expectedOf(argument.argChoices)}` : `${value}: ${problem}`,
    );
  }
}

function expectedOf(choices: readonly string[]): string {
  return `expected ${listWords(choices, 'or')}`;
}

/** Ends the command line with a message where the parser of a flag or argument refuses a value. */
function explainRefusals(
  command: Command,
  parameter: { parseArg?: <T>(value: string, previous: T) => T },
  messageOf: (value: string, problem: string) => string,
): void {
  const { parseArg } = parameter;
  if (!parseArg) {
    return;
  }
  parameter.parseArg = (value, previous) => {
    try {
      return parseArg(value, previous);
    } catch (error) {
      if (error instanceof InvalidArgumentError) {
        command.error(`error: ${messageOf(JSON.stringify(hideCredentials(value)), error.message)}`);
      }
      throw error;
    }
  };
}
