import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { createRunProgram, type RunProgram } from '../../src/kernel/run-program.ts';
import { startAgent } from '../support/lab/start-agent.ts';

/** A network namespace of its own, with its own connection table. */
export interface Namespace {
  /** The product's own way to run programs, with a conntrack that works inside. */
  readonly run: RunProgram;
  /** Runs a program inside, with the input on its stdin; throws with its words when it fails. */
  inside(command: readonly string[], input?: string): Promise<void>;
  /** Removes the namespace. */
  close(): Promise<void>;
}

/** Makes a namespace in which only the loopback interface exists, and that is down. */
export async function openNamespace(): Promise<Namespace> {
  const agent = await startAgent();
  const folder = await mkdtemp(join(tmpdir(), 'svc2nft-conntrack-'));
  const programs = `${process.env['PATH']}:/usr/sbin:/sbin`;
  const script = join(folder, 'conntrack');
  await writeFile(
    script,
    `#!/bin/sh\nPATH='${programs}' exec nsenter --net=/proc/${agent.processId}/ns/net conntrack "$@"\n`,
  );
  await chmod(script, 0o755);
  return {
    run: createRunProgram({ env: { PATH: `${folder}:${programs}` } }),
    inside: async (command, input = '') => {
      await agent.request({ do: 'run', command, input });
    },
    close: async () => {
      await agent.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Whether conntrack and nsenter are installed. */
export async function isConntrackInstalled(): Promise<boolean> {
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
  const { exitCode } = await execa('sh', ['-c', 'command -v conntrack && command -v nsenter'], { env, reject: false });
  return exitCode === 0;
}
