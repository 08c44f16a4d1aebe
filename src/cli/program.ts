import { Command } from 'commander';
import { escapeControls } from '../lib/text.ts';
import { version } from '../version.ts';
import { applyCommand } from './commands/apply-command.ts';
import { cleanCommand } from './commands/clean-command.ts';
import { compileCommand } from './commands/compile-command.ts';
import { completionCommand } from './commands/completion-command.ts';
import { diffCommand } from './commands/diff-command.ts';
import { doctorCommand } from './commands/doctor-command.ts';
import { explainCommand } from './commands/explain-command.ts';
import { graphCommand } from './commands/graph-command.ts';
import { helpCommand } from './commands/help-command.ts';
import { listCommand } from './commands/list-command.ts';
import { verifyCommand } from './commands/verify-command.ts';
import type { Streams } from './context.ts';

const examples = `Examples:
  kubectl get services,endpointslices,nodes,servicecidrs -A -o json | svc2nft --node worker-1
  svc2nft compile manifests/ --node worker-1 --config kube-proxy.yaml -o rules.nft
  svc2nft apply dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16
  svc2nft explain dump.yaml --node worker-1 --from outside --to 192.0.2.11:30080
  svc2nft list dump.yaml --node worker-1 -o wide
  svc2nft verify dump.yaml --node worker-1 --ruleset kernel
  svc2nft graph dump.yaml --node worker-1 -o html --file graph.html
  svc2nft doctor
`;

/** In the order of the help. */
const commands = [
  diffCommand,
  applyCommand,
  cleanCommand,
  explainCommand,
  listCommand,
  verifyCommand,
  graphCommand,
  doctorCommand,
  completionCommand,
  helpCommand,
];

/** The whole command line. Nothing in it ends the process: commander throws, and `setExitCode` gets the outcome. */
export function buildProgram(streams: Streams, setExitCode: (code: number) => void): Command {
  const program = new Command('svc2nft')
    .description("Compiles Kubernetes Services and EndpointSlices into a node's nftables ruleset, and applies it.")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    // commands/help.ts takes its place.
    .helpCommand(false)
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
  for (const command of commands) {
    program.addCommand(command(streams, setExitCode).copyInheritedSettings(program));
  }
  return program;
}
