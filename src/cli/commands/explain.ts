import { Command, Option } from 'commander';
import { parseClient } from '../../explain/parse-client.ts';
import { parseTarget } from '../../explain/parse-target.ts';
import { checkedText } from '../option-values.ts';
import type { ExplainFlags } from '../run-explain.ts';
import type { Streams } from '../streams.ts';
import { addCompileOptions } from './compile-options.ts';

const examples = `Examples:
  svc2nft explain dump.yaml --node worker-1 --cluster-cidr 10.244.0.0/16 --from outside --to 192.0.2.11:30080
  svc2nft explain dump.yaml --node worker-1 --from pod:shop/web-1 --to service:shop/cart:http
  svc2nft explain dump.yaml --node worker-1 --from 10.244.1.5 --to 10.96.0.10:53/udp -o json
  svc2nft explain --ruleset kernel --from outside --to 192.0.2.11:30080        the rules in force here, without a snapshot
  svc2nft explain dump.yaml --ruleset kernel --from node --to 10.96.0.10:443   the rules in force here, and the reasons
`;

const exitText = `
The fate of the first packet of a connection is computed from the rules; the snapshot gives the reasons. It needs neither
root nor nft, but for --ruleset kernel.

Exit codes: 0 explained, whatever the packet's fate, 1 bad input, or nothing of that name in it, 2 wrong usage, 3 nft or
the kernel refused, 4 no permission or no nft.`;

/** `svc2nft explain`: where a packet goes, and why. */
export function explainCommand(streams: Streams, setExitCode: (code: number) => void): Command {
  return addCompileOptions(new Command('explain'))
    .summary('say where a packet goes, and why')
    .description(
      'Follows the first packet of a connection through the rules of the node, and names the reason of each decision.',
    )
    .requiredOption(
      '--from <client>',
      'an address, outside, node or pod:NAMESPACE/NAME',
      checkedText(problemOf(parseClient)),
    )
    .requiredOption(
      '--to <target>',
      'ADDRESS:PORT[/PROTOCOL] or service:NAMESPACE/NAME[:PORT][/PROTOCOL]; an address is asked over tcp unless told',
      checkedText(problemOf(parseTarget)),
    )
    .option('--interface <name>', 'the interface at which the packet arrives', checkedText(interfaceProblem))
    .option(
      '--ruleset <file|kernel>',
      'kernel, or a file that compile or nft list wrote: these rules, not those of the snapshot',
    )
    .addOption(
      new Option('-o, --output <format>', 'text, or json for programs').choices(['text', 'json']).default('text'),
    )
    .addHelpText('before', examples)
    .addHelpText('after', exitText)
    .action(async (paths: string[], flags: ExplainFlags) => {
      const { runExplain } = await import('../run-explain.ts');
      setExitCode(await runExplain(paths, flags, streams));
    });
}

/** The kernel takes names of 1 to 15 bytes without blanks and slashes. */
function interfaceProblem(text: string): string | undefined {
  return /^[^\s/]{1,15}$/.test(text)
    ? undefined
    : 'the name of an interface has 1 to 15 characters, and no blank or slash';
}

/** A parser's answer is a text where it does not understand. */
function problemOf(parse: (text: string) => object | string): (text: string) => string | undefined {
  return (text) => {
    const parsed = parse(text);
    return typeof parsed === 'string' ? parsed : undefined;
  };
}
