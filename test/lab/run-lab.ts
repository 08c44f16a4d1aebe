import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';

/** What a run of the command line came to. */
export interface LabResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `svc2nft lab`. */
export async function runLab(words: readonly string[], input = ''): Promise<LabResult> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['bin/svc2nft.js', 'lab', ...words], {
    input,
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

/** A lab that a test has brought up. */
export interface TestLab {
  readonly name: string;
  /** Runs `svc2nft lab` about this lab. */
  run(action: string, ...words: readonly string[]): Promise<LabResult>;
  /** What curl gets from a URL; empty without an answer in three seconds. */
  curl(from: string, url: string): Promise<string>;
  /** Runs `svc2nft lab test`, and returns the lines about expectations that are not met. */
  failures(expectations: readonly object[]): Promise<string[]>;
  /** What `lab status` tells. */
  status(): Promise<LabStatus>;
}

interface LabStatus {
  readonly nodes: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  readonly pods: readonly { readonly name: string; readonly node: string; readonly addresses: readonly string[] }[];
  readonly services: readonly {
    readonly name: string;
    readonly addresses: readonly string[];
    readonly external: readonly string[];
  }[];
  readonly loadBalancer: readonly { readonly service: string; readonly nodes: readonly string[] }[];
}

/** Names are those of this process, so that tests do not meet. */
export function ownName(name: string): string {
  return `${name}-${process.pid}`;
}

/** Brings up a lab of objects. @throws Error with what svc2nft says if that fails. */
export async function bringUp(name: string, objects: readonly object[], ...flags: readonly string[]): Promise<TestLab> {
  const own = ownName(name);
  const { exitCode, stderr } = await runLab(['-', '--name', own, ...flags], manifestsOf(objects));
  if (exitCode !== 0) {
    throw new Error(stderr);
  }
  const run: TestLab['run'] = (action, ...words) => runLab([action, '--name', own, ...words]);
  return {
    name: own,
    run,
    curl: async (from, url) => (await run('curl', '--from', from, '-s', '-g', '-m', '3', url)).stdout,
    failures: (expectations) => withFile({ expect: expectations }, (file) => failuresIn(run('test', file))),
    status: async () => JSON.parse((await run('status', '-o', 'json')).stdout) as LabStatus,
  };
}

async function failuresIn(running: Promise<LabResult>): Promise<string[]> {
  const { exitCode, stdout, stderr } = await running;
  const failures = stdout.split('\n').filter((line) => line.startsWith('FAIL'));
  return exitCode === 0 ? failures : [...failures, `exit code ${exitCode}`, stderr];
}

/** Lends a file with a value as YAML. */
export async function withFile<T>(value: object, work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'svc2nft-lab-'));
  try {
    const file = join(folder, 'file.yaml');
    await writeFile(file, stringify(value));
    return await work(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Objects as a file of manifests. */
export function manifestsOf(objects: readonly object[]): string {
  return objects.map((object) => stringify(object)).join('---\n');
}

/** A workload of Pods that answer at these ports. */
export function workload(
  name: string,
  ports: readonly object[],
  replicas = 1,
  kind = 'Deployment',
  spec: object = {},
): object {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: {
      ...(kind !== 'DaemonSet' && { replicas }),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { ...spec, containers: [{ name: 'app', image: 'app', ports }] },
      },
    },
  };
}

/** A Service of the Pods of a workload with the same name, unless the spec says otherwise. */
export function service(name: string, ports: readonly object[], spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { selector: { app: name }, ports, ...spec },
  };
}
