import { type Command, InvalidArgumentError, Option } from 'commander';
import { listWords } from '../../lib/text.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { CompileOptions } from '../../options.ts';
import type { ColorChoice } from '../context.ts';

/** The flags of all commands, and `--all-errors`, which all that compile manifests have. */
export interface GeneralFlags {
  readonly color: ColorChoice;
  readonly diagnostics: 'text' | 'json';
  readonly allErrors: boolean;
}

const colorChoices = ['auto', 'always', 'never'] as const;
const diagnosticsFormats = ['text', 'json'] as const;

/** Adds the flags of all commands to one of them. */
export function addGeneralOptions(command: Command): Command {
  return command
    .optionsGroup('General:')
    .addOption(
      new Option('--color <when>', 'auto: on terminals, and as FORCE_COLOR and NO_COLOR say')
        .choices(colorChoices)
        .default('auto'),
    )
    .addOption(
      new Option('--diagnostics <format>', 'how messages are written to stderr; json: an object on each line')
        .choices(diagnosticsFormats)
        .default('text'),
    );
}

/**
 * The option `-o`, which is a format in every command. Formats of kubectl get advice, and so does a path, because `-o` names
 * a file in other programs.
 *
 * @param hasFile whether the command has `--file`.
 */
export function formatOption(description: string, formats: readonly string[], hasFile = false): Option {
  const option = new Option('-o, --output <format>', description).choices(formats);
  const parseFormat = option.parseArg;
  return option.argParser((value, previous) => {
    const advice = formats.includes(value) ? undefined : adviseOnFormat(value, formats, hasFile);
    if (advice !== undefined) {
      throw new InvalidArgumentError(
        `unknown value ${describeValue(value)}; expected ${listWords(formats, 'or')}; ${advice}`,
      );
    }
    return parseFormat?.(value, previous);
  });
}

/** What `kubectl get -o` accepts besides json, yaml and wide, with or without a template. */
const kubectlFormat =
  /^(jsonpath|jsonpath-as-json|jsonpath-file|custom-columns|custom-columns-file|go-template|go-template-file|template|templatefile|name)(=|$)/s;

function adviseOnFormat(value: string, formats: readonly string[], hasFile: boolean): string | undefined {
  if (kubectlFormat.test(value)) {
    return formats.includes('json') ? 'to select fields, use -o json | jq' : undefined;
  }
  if (/[./]/.test(value)) {
    return `to write to a file, ${hasFile ? `use --file ${value}` : `redirect stdout: > ${value}`}`;
  }
  return undefined;
}

/** The flag of commands that may watch their files. */
export interface WatchFlags {
  readonly watch?: true;
}

/** Adds `--watch` to a command that reads files and changes nothing. */
export function addWatchOption(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .option('-w, --watch', 'print again whenever the files that are read change, until Ctrl+C');
}

const dryRuns: readonly string[] = ['client', 'server', 'none'];

/**
 * The arguments, with `--dry-run` as one word with its value, which is `server` by default. Commander would take any next
 * word for the value, as in `--dry-run dump.yaml`.
 */
export function joinDryRun(args: readonly string[], exists: (path: string) => boolean): string[] {
  const at = args.indexOf('--dry-run');
  if (at === -1 || args.slice(0, at).includes('--')) {
    return [...args];
  }
  const next = args[at + 1] ?? '';
  const hasValue = dryRuns.includes(next) && !exists(next);
  const joined = `--dry-run=${hasValue ? next : 'server'}`;
  return [...args.slice(0, at), joined, ...joinDryRun(args.slice(hasValue ? at + 2 : at + 1), exists)];
}

/**
 * The arguments with values as commander takes them: kubectl and kube-proxy accept `--masquerade-all=true`, too, and
 * `=false`, which is the default of every switch; and `-o=json`, of which commander would keep the equals sign.
 */
export function readEqualsSigns(args: readonly string[], { options }: Command): string[] {
  const end = args.indexOf('--');
  const names = new Map(
    options.flatMap((option) => [option.short, option.long].map((name) => [name, option] as const)),
  );
  return args.flatMap((arg, index) => {
    const [, flag = '', value = ''] = /^(--[^=]+|-[^-])=(.*)$/s.exec(arg) ?? [];
    const option = names.get(flag);
    if (!option || (end !== -1 && index > end)) {
      return arg;
    }
    if (option.required || option.optional) {
      return flag.startsWith('--') ? arg : [flag, value];
    }
    if (value === 'true') {
      return flag;
    }
    return value === 'false' ? [] : arg;
  });
}

/** Reads the flags that decide about messages before the command is known: errors about other flags depend on them. */
export function readGeneralFlags(args: readonly string[]): GeneralFlags {
  return {
    color: colorChoices.find((choice) => choice === valueIn('--color', args)) ?? 'auto',
    diagnostics: diagnosticsFormats.find((format) => format === valueIn('--diagnostics', args)) ?? 'text',
    allErrors: flagsIn(args).some((arg) => arg === '--all-errors' || arg === '--all-errors=true'),
  };
}

function flagsIn(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end === -1 ? args : args.slice(0, end);
}

function valueIn(flag: string, args: readonly string[]): string | undefined {
  const options = flagsIn(args);
  const at = options.findIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
  return options[at] === flag ? options[at + 1] : options[at]?.slice(flag.length + 1);
}

/**
 * Refuses the second occurrence of each option that does not collect values: commander would silently take the last one,
 * although the first may have been meant.
 */
export function refuseRepeated(command: Command): Command {
  for (const option of command.options.filter((one) => !isRepeatable(one))) {
    let count = 0;
    command.on(`option:${option.name()}`, () => {
      count += 1;
      if (count > 1) {
        command.error(`error: ${option.long ?? option.flags} may be given only once`);
      }
    });
  }
  return command;
}

/** Whether an option may be given more than once. Its description says so, because commander does not know. */
export function isRepeatable({ variadic, description }: Option): boolean {
  return variadic || description.includes('may be repeated');
}

/** What loads the rules: nft, or iptables-restore. */
export type Target = 'nftables' | 'iptables';

/** The flag that says it; absent for nft. */
export interface TargetFlags {
  readonly target?: Target;
}

/** Flags of rules that only nft has, by their keys. */
const nftFlags: Readonly<Record<string, string>> = {
  table: '--table',
  counters: '--counters',
  targetNft: '--target-nft',
};

/**
 * Adds `--target`.
 *
 * @param others flags of the command that go with one target only, by their keys.
 */
export function addTargetOption(
  command: Command,
  help: string,
  others: Partial<Readonly<Record<Target, Readonly<Record<string, string>>>>> = {},
): Command {
  const refused: Readonly<Record<Target, Readonly<Record<string, string>>>> = {
    iptables: { ...nftFlags, ...others.nftables },
    nftables: others.iptables ?? {},
  };
  return command
    .addOption(new Option('--target <backend>', help).choices(['nftables', 'iptables']).default('nftables'))
    .hook('preAction', () => {
      const { target = 'nftables' }: TargetFlags = command.opts();
      const other = target === 'iptables' ? 'nftables' : 'iptables';
      for (const [key, flag] of Object.entries(refused[target])) {
        if (command.getOptionValueSource(key) === 'cli') {
          command.error(`error: ${flag} is for --target ${other}`);
        }
      }
    });
}

/** Why there can be no rules for iptables; undefined where there can. */
export function iptablesProblem({ detectLocalMode, detectLocalInterface }: CompileOptions): string | undefined {
  return detectLocalMode === 'BridgeInterface' && detectLocalInterface.endsWith('+')
    ? `the bridge ${detectLocalInterface}: iptables takes a name that ends in + for the beginning of names`
    : undefined;
}
