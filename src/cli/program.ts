import { Command } from 'commander';
import { escapeControls } from '../escape-controls.ts';
import { version } from '../version.ts';
import { applyCommand } from './commands/apply.ts';
import { cleanCommand } from './commands/clean.ts';
import { compileCommand } from './commands/compile.ts';
import { diffCommand } from './commands/diff.ts';
import type { Streams } from './streams.ts';

const examples = `Examples:
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft --node worker-1
  svc2nft compile dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 | nft -f -
  svc2nft compile manifests/ --node worker-1 --config kube-proxy.yaml -o rules.nft
  svc2nft diff dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft apply dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16
`;

/** The whole command line. Nothing in it ends the process: commander throws, and `setExitCode` gets the outcome. */
export function buildProgram(streams: Streams, setExitCode: (code: number) => void): Command {
  const program = new Command('svc2nft')
    .description("Compiles Kubernetes Services and EndpointSlices into a node's nftables ruleset, and applies it.")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [COMMAND]', 'print help for a command')
    .addHelpText('beforeAll', '')
    .addHelpText('before', examples)
    .addHelpText(
      'after',
      '\n"svc2nft PATH" is short for "svc2nft compile PATH"; "svc2nft help compile" lists its options.',
    )
    .showSuggestionAfterError()
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      // Commander repeats arguments in its messages.
      writeErr: (text) => streams.stderr.write(text.split('\n').map(escapeControls).join('\n')),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  program.addCommand(compileCommand(streams, setExitCode).copyInheritedSettings(program), { isDefault: true });
  for (const command of [applyCommand, diffCommand, cleanCommand]) {
    program.addCommand(command(streams, setExitCode).copyInheritedSettings(program));
  }
  return program;
}
