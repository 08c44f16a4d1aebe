import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runShortly, type StartedProcess, startProcess } from '../kernel/start-process.ts';
import { type Channel, openChannel } from './open-channel.ts';

/** A process with namespaces of its own: of the network, of mounts, and of the name of the machine. */
export interface NamespaceHolder {
  readonly pid: number;
  readonly isRunning: () => boolean;
  /** Ends it at once, and with it its namespaces. */
  kill(): Promise<void>;
}

/** One that does something, too. */
export interface LabProcess extends NamespaceHolder {
  readonly ask: Channel['ask'];
}

/** The file of a process, beside this one: all are bundled into one folder. */
export function labProgram(name: 'lab-supervisor' | 'lab-node' | 'lab-server' | 'lab-probe'): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

/** Its mounts follow those of the machine, so that nothing there stays in use. */
export const ownMounts: readonly string[] = ['--mount', '--propagation', 'slave'];

const ownNamespaces = ['--net', '--uts', ...ownMounts, '--'];

/** Starts a process of a node, or the servers of all Pods; its network namespace can then get interfaces. @throws Error if it cannot start. */
export async function startLabProcess(role: 'lab-node' | 'lab-server'): Promise<LabProcess> {
  const started = await startProcess('unshare', [...ownNamespaces, process.execPath, labProgram(role)]);
  const { ask } = openProcessChannel(started);
  await ask('hello');
  return { ...holderOf(started), ask };
}

/** What is asked for where another process is, in its network and with its files; then the one that asks ends. */
export async function askInside(processId: number, question: string, parameter: unknown): Promise<unknown> {
  const inside = [`--net=/proc/${processId}/ns/net`, `--mount=/proc/${processId}/ns/mnt`, '--'];
  const started = await startProcess('nsenter', [...inside, process.execPath, labProgram('lab-probe')]);
  try {
    return await openProcessChannel(started).ask(question, parameter);
  } finally {
    started.kill();
  }
}

/**
 * Prepares namespaces and keeps them, at a twentieth of what a process of Node takes: a lab has many Pods. It ends with its stdin. All that
 * differs comes as arguments: the name of the machine, a file in place of resolv.conf, or an empty text, and settings of the network.
 */
const holderScript = `set -e
printf %s "$1" > /proc/sys/kernel/hostname
[ -z "$2" ] || mount --bind "$2" /etc/resolv.conf
shift 2
for setting do
  file=/proc/sys/net/\${setting%%=*}
  [ ! -e "$file" ] || printf %s "\${setting#*=}" > "$file"
done
echo ready
exec cat > /dev/null
`;

/** What the namespaces of a Pod are made of. */
export interface HolderOptions {
  readonly hostname: string;
  /** A file in place of /etc/resolv.conf; undefined for that of this process. */
  readonly resolvConf: string | undefined;
}

/** Makes the namespaces of a Pod. @throws Error if that fails. */
export async function startHolder({ hostname, resolvConf = '' }: HolderOptions): Promise<NamespaceHolder> {
  const settings = networkSettings.map(([path, value]) => `${path}=${value}`);
  const script = ['sh', '-c', holderScript, 'lab-pod', hostname, resolvConf, ...settings];
  const started = await startProcess('unshare', [...ownNamespaces, ...script]);
  const holder = holderOf(started);
  await Promise.race([once(started.stdout, 'data'), started.ended]);
  if (!holder.isRunning()) {
    throw new Error(`the namespaces of ${hostname} cannot be made`);
  }
  return holder;
}

function holderOf({ pid, ended, kill }: StartedProcess): NamespaceHolder {
  let isRunning = true;
  void ended.then(() => {
    isRunning = false;
  });
  return {
    pid,
    isRunning: () => isRunning,
    kill: () => {
      kill();
      return ended;
    },
  };
}

function openProcessChannel({ stdin, stdout }: StartedProcess): Channel {
  return openChannel({ input: stdout, output: stdin });
}

/**
 * Runs `ip` with these lines, until one fails, in the network namespace of a process; without one in that of this process. Lines about rules
 * of IPv6 come last, because `ip` takes rules for those of the family that it is started with.
 */
export async function runIp(lines: readonly string[], processId?: number): Promise<void> {
  const isLast = (line: string): boolean => line.startsWith('rule ') && line.includes(':');
  const inside = processId === undefined ? [] : ['nsenter', `--net=/proc/${processId}/ns/net`];
  const parts = [
    { program: ['ip', '-batch', '-'], part: lines.filter((line) => !isLast(line)) },
    { program: ['ip', '-6', '-batch', '-'], part: lines.filter(isLast) },
  ];
  for (const { program, part } of parts.filter((one) => one.part.length > 0)) {
    const [first = '', ...args] = [...inside, ...program];
    await mustRun(first, args, `${part.join('\n')}\n`);
  }
}

/** Runs a program to its end. @throws Error with what it says if it fails. */
export async function mustRun(program: string, args: readonly string[], input = ''): Promise<void> {
  const { exitCode, stderr } = await runShortly(program, args, input);
  if (exitCode !== 0) {
    throw new Error(`${[program, ...args].join(' ')}: ${stderr.trim() || `exit code ${exitCode}`}`);
  }
}

/** A setting of a network namespace, by its path below /proc/sys/net. */
type NetworkSetting = readonly [path: string, value: string];

/** What every network namespace of a lab has; interfaces take it over when they are created. */
const networkSettings: readonly NetworkSetting[] = [
  ['ipv4/ip_forward', '1'],
  ['ipv6/conf/all/forwarding', '1'],
  // What a Pod's server sends has the address of the Pod, which the Pod has, too.
  ...forEach('ipv4', { rp_filter: '0', send_redirects: '0', accept_local: '1' }),
  // Duplicate address detection would keep addresses from being used for a second.
  ...forEach('ipv6', { accept_dad: '0', accept_ra: '0' }),
  // A connection to a load balancer stays with its node, and others go to other nodes.
  ['ipv4/fib_multipath_hash_policy', '1'],
  ['ipv6/fib_multipath_hash_policy', '1'],
  // ICMP errors tell clients that they are refused, and are not limited.
  ['ipv4/icmp_ratemask', '0'],
  ['ipv6/icmp/ratelimit', '0'],
];

function forEach(family: string, values: Readonly<Record<string, string>>): NetworkSetting[] {
  return Object.entries(values).flatMap(([name, value]) =>
    ['all', 'default'].map((scope): NetworkSetting => [`${family}/conf/${scope}/${name}`, value]),
  );
}

/** Sets the network namespace of this process up. Settings that this kernel lacks, as without IPv6, are left out. */
export function prepareNetwork(): void {
  for (const [name, value] of networkSettings) {
    const path = `/proc/sys/net/${name}`;
    if (existsSync(path)) {
      writeFileSync(path, value);
    }
  }
}
