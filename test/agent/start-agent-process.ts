import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, vi } from 'vitest';
import type { TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject, ApiServer, ServerOptions } from '../support/api-server.js';
import { type NftVersion, usualNft } from '../support/nft-versions.ts';

/** `svc2nft agent` as a process of its own in the node's namespace. */
export interface AgentProcess {
  readonly pid: number;
  /** The lines of its log so far. */
  readonly log: readonly AgentLine[];
  /** The exit code; undefined when a signal ended it. */
  readonly ended: Promise<number | undefined>;
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGHUP'): void;
}

interface AgentLine {
  readonly level: number;
  readonly msg: string;
  readonly [detail: string]: unknown;
}

/** Starts an agent in the node's namespace, for worker-1 unless flags say otherwise. Its rules are those of that node, unless they are to be another's. */
export function startAgentProcess(
  node: TestNode,
  server: string,
  flags: readonly string[] = [],
  rulesOf: TestNode = node,
): AgentProcess {
  const inside = ['nsenter', `--net=${node.namespace}`];
  return start([...inside, process.execPath, 'bin/svc2nft.js', 'agent', ...flagsFor(server, flags)], rulesOf);
}

/**
 * Starts an agent for worker-1 as in a container: with a namespace of processes of its own, in which those outside cannot be seen.
 *
 * @param nft default: that of the machine.
 */
export function startAgentInContainer(
  { namespace }: TestNode,
  server: string,
  flags: readonly string[] = [],
  { programs: folder = '/usr/sbin' }: Partial<NftVersion> = usualNft,
): AgentProcess {
  const container = ['nsenter', `--net=${namespace}`, 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return start([...container, process.execPath, 'bin/svc2nft.js', 'agent', ...flagsFor(server, flags)], { folder });
}

function flagsFor(server: string, flags: readonly string[]): string[] {
  const node = flags.includes('--node') ? [] : ['--node', 'worker-1'];
  return ['--server', server, '--cluster-cidr', '10.244.0.0/16,fd00:10:244::/48', ...node, ...flags];
}

const quietly = ['--healthz-bind-address', '', '--metrics-bind-address', ''];

/** Starts an agent in the namespace of this process, where its API server is; the ports of its servers are left to others. */
export function startAgentBeside(node: TestNode, flags: readonly string[]): AgentProcess {
  return start([process.execPath, 'bin/svc2nft.js', 'agent', ...quietly, ...flags], node);
}

function start([program = '', ...args]: readonly string[], { folder }: Pick<TestNode, 'folder'>): AgentProcess {
  const agent = execa(program, args, {
    reject: false,
    buffer: false,
    stdin: 'ignore',
    // On a busy machine it takes its time to end, and has to be seen ending by itself.
    forceKillAfterDelay: false,
    env: { PATH: [folder, process.env['PATH'], '/usr/sbin', '/sbin'].join(':') },
  });
  const log: AgentLine[] = [];
  void (async () => {
    for await (const line of agent.iterable({ from: 'stderr' })) {
      log.push(line.startsWith('{') ? (JSON.parse(line) as AgentLine) : { level: 0, msg: line });
    }
  })();
  return {
    pid: agent.pid ?? 0,
    log,
    ended: agent.then(({ exitCode }) => exitCode),
    kill: (signal) => agent.kill(signal),
  };
}

/** An API server in the node's namespace, in a process of its own. */
export interface RemoteApiServer {
  readonly url: string;
  /** Calls a method of ApiServer. */
  call(method: Exclude<keyof ApiServer, 'url' | 'requests'>, ...args: readonly unknown[]): Promise<unknown>;
  objects(): Promise<readonly ApiObject[]>;
  end(): Promise<void>;
}

/** Starts one; its loopback interface is brought up. */
export async function startRemoteApiServer(node: TestNode, options: ServerOptions): Promise<RemoteApiServer> {
  const file = join(node.folder, 'api-server.json');
  await writeFile(file, JSON.stringify(options));
  const inside = ['nsenter', `--net=${node.namespace}`] as const;
  await execa(inside[0], [inside[1], 'ip', 'link', 'set', 'lo', 'up']);
  const child = execa(inside[0], [inside[1], process.execPath, 'test/support/run-api-server.js', file], {
    buffer: false,
    stdin: 'pipe',
    reject: false,
  });
  const lines = child.iterable();
  const read = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) {
      throw new Error('the API server has ended');
    }
    return JSON.parse(String(value));
  };
  const url = String(await read());
  // One call at a time: answers have no names.
  let last: Promise<unknown> = Promise.resolve();
  const call: RemoteApiServer['call'] = (method, ...args) => {
    const answer = last.then(() => {
      child.stdin.write(`${JSON.stringify([method, ...args])}\n`);
      return read();
    });
    last = answer;
    return answer;
  };
  return {
    url,
    call,
    objects: async () => (await call('objects')) as readonly ApiObject[],
    end: async () => {
      child.stdin.end();
      await child;
    },
  };
}

/** A process that another one started, or a child of that one, by the beginning of its command line, arguments ended by NUL. */
export async function findChild(pid: number, command: string): Promise<number> {
  const child = await findDescendant(pid, command);
  if (child === undefined) {
    throw new Error(`process ${pid} has no child ${command}`);
  }
  return child;
}

async function findDescendant(pid: number, command: string): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter(Boolean)) {
    const started = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '');
    const found = started.startsWith(command) ? Number(child) : await findDescendant(Number(child), command);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

/** What netlink sockets are called in /proc/net/netlink: NETLINK_NETFILTER, and a bit for its group NFNLGRP_NFTABLES. */
const netfilter = { protocol: '12', nftables: 1 << 6 };

/** Waits until the kernel tells an agent's `nft monitor` of changes: until it has a socket in the group that is told. */
export async function awaitMonitor({ pid }: AgentProcess): Promise<void> {
  await vi.waitFor(
    async () => {
      const monitor = await findChild(pid, 'nft\0monitor\0');
      const files = await readdir(`/proc/${monitor}/fd`);
      const opened = await Promise.all(files.map((file) => readlink(`/proc/${monitor}/fd/${file}`).catch(() => '')));
      const sockets = (await readFile(`/proc/${monitor}/net/netlink`, 'utf8')).split('\n');
      const listening = sockets
        .map((line) => line.split(/\s+/))
        .find(
          ([, protocol, , groups = '', , , , , , inode]) =>
            protocol === netfilter.protocol &&
            (Number.parseInt(groups, 16) & netfilter.nftables) !== 0 &&
            opened.includes(`socket:[${inode}]`),
        );
      expect(listening).toBeDefined();
    },
    { timeout: 30_000, interval: 20 },
  );
}
