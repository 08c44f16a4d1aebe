import { Command } from 'commander';
import { labRanges } from '../../lab/lab-cluster.ts';
import { defaultName, isLabName } from '../../lab/lab-folder.ts';
import { describeValue } from '../../lib/unknown-values.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { addFileOptions, checkedText } from '../flags/compile-flags.ts';
import { formatOption } from '../flags/general-flags.ts';
import { type LabAction, labActions } from '../flags/lab-words.ts';
import { addResolveOptions } from '../flags/resolve-flags.ts';
import { addHelpTexts } from '../manual/format-help.ts';
import type { LabFlags } from './bring-up-lab.ts';

const examples = `
  svc2nft lab shop.yaml                                     bring up the cluster of these manifests
  svc2nft lab curl --from deployment/frontend http://cart:7070
  svc2nft lab curl --from outside http://198.51.100.7
  svc2nft lab dig --from pod:shop/frontend-0 +short cart.shop.svc.cluster.local
  svc2nft lab scale deployment/cart 5
  svc2nft lab drain node-2
  svc2nft lab test expectations.yaml shop.yaml              bring it up, check it, and end it, as in CI
  svc2nft lab status
  svc2nft lab down
`;

const notes = `
Brings up a cluster in its own network namespaces, as root. Each node has its own rules; each Pod has an address, and answers HTTP, TCP and UDP on its
ports with its name and the client address that it saw. There are also the DNS of the cluster, an outside client, and a load balancer that respects health
checks. What manifests leave out is added as svc2nft resolve does, by default with ranges of both families. The network of this machine is not touched, and
everything ends with the lab, even if its processes are killed.

  curl, nc, dig --from CLIENT ...  run this program with these arguments in the network of the client; dig needs +search for short names
  shell --from CLIENT [PROGRAM]    run a shell there, or another program with its arguments
  scale KIND/NAME NUMBER           change the replicas of a workload
  drain NODE, uncordon NODE        move the Pods of a node to others; allow new Pods on it again
  roll KIND/NAME                   replace the Pods of a workload one by one, as after a change of its template
  kill POD                         end a Pod without notice; its workload gets another one
  status                           nodes, Pods, Services, and which nodes the load balancer uses
  test FILE [PATH...]              check expectations in the lab that is up, or in a temporary one brought up from PATH
  down                             end the lab; without --name, also remove what other labs left when they ended

CLIENT is outside (the default), node:NAME, pod:NAMESPACE/NAME or its beginning, KIND/NAME of a workload, or the address of an endpoint without a Pod. Write a path that has
the name of an action as ./curl.
`;

/** `svc2nft lab`: a cluster to try in network namespaces. */
export function labCommand(context: Context, setExitCode: (code: number) => void): Command {
  const command = addResolveOptions(
    addFileOptions(new Command('lab'), {
      name: '[ACTION|PATH...]',
      description: 'an action with its arguments; or a file or folder of YAML or JSON, - for stdin',
    }),
    labRanges,
  )
    .description('Brings up a cluster in network namespaces, to try its Services with real connections.')
    .optionsGroup('Lab:')
    .option('--name <name>', 'the name of the lab, if there are several', checkedText(labNameProblem), defaultName)
    .option(
      '--from <client>',
      'from where to connect: outside, node:NAME, pod:NAMESPACE/NAME, KIND/NAME (default: outside)',
    )
    .optionsGroup('Output:')
    .addOption(formatOption('how the results of status and test are written', ['text', 'json']).default('text'))
    .action(async (words: string[], flags: LabFlags) => {
      setExitCode(await runLab(words, flags, context));
    });
  return addHelpTexts(command, { notes, examples });
}

function labNameProblem(text: string): string | undefined {
  return isLabName(text)
    ? undefined
    : `${describeValue(text)} is not the name of a lab: 1 to 32 lowercase letters, digits and -`;
}

async function runLab(words: readonly string[], flags: LabFlags, context: Context): Promise<number> {
  const [first = '', ...others] = words;
  const action = labActions.find((one) => one === first);
  const misused = action && misuseOf(action, flags);
  if (misused !== undefined) {
    context.stderr.write(`error: ${misused} (see --help)\n`);
    return exitCodes.wrongUsage;
  }
  const [{ findObstacle, runLabAction }, { bringUp }] = await Promise.all([
    import('./lab-actions.ts'),
    import('./bring-up-lab.ts'),
  ]);
  const obstacle = findObstacle(context);
  if (obstacle !== undefined) {
    context.stderr.write(`error: ${obstacle}\n`);
    return exitCodes.noPermission;
  }
  return action ? runLabAction(action, others, flags, context) : bringUp(words, flags, context);
}

const flagsOfClients: readonly LabAction[] = ['curl', 'nc', 'dig', 'shell'];

/** A flag that an action does not have. */
function misuseOf(action: LabAction, flags: LabFlags): string | undefined {
  if (flags.from !== undefined && !flagsOfClients.includes(action)) {
    return `--from does not go with lab ${action}`;
  }
  const isCluster = [flags.serviceCidr, flags.podCidr, flags.loadBalancerCidr, flags.nodes, flags.filename].some(
    (one) => one !== undefined,
  );
  return isCluster && action !== 'test' ? `lab ${action} takes no flags that describe a cluster` : undefined;
}
