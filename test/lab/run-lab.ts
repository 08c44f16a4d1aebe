import { execa } from 'execa';
import { stringify } from 'yaml';

/** A lab that a test has brought up, by the command line. */
export interface TestLab {
  readonly name: string;
  /** Runs `svc2nft lab` about this lab. */
  lab(action: string, ...words: readonly string[]): Promise<LabResult>;
  /** What curl gets from a URL; empty when there is no answer in time. */
  curl(from: string, url: string, ...words: readonly string[]): Promise<string>;
  down(): Promise<LabResult>;
}

interface LabResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built command line. */
async function runLab(words: readonly string[], input = ''): Promise<LabResult> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, ['bin/svc2nft.js', 'lab', ...words], {
    input,
    reject: false,
  });
  return { exitCode, stdout, stderr };
}

/** Brings up a lab of objects. @throws Error with what svc2nft says if that fails. */
export async function bringUp(
  name: string,
  objects: readonly unknown[],
  ...flags: readonly string[]
): Promise<TestLab> {
  const own = `${name}-${process.pid}`;
  const manifests = objects.map((object) => stringify(object)).join('---\n');
  const { exitCode, stderr } = await runLab(['-', '--name', own, ...flags], manifests);
  if (exitCode !== 0) {
    throw new Error(stderr);
  }
  const lab: TestLab['lab'] = (action, ...words) => runLab([action, '--name', own, ...words]);
  return {
    name: own,
    lab,
    curl: async (from, url, ...words) =>
      (await lab('curl', '--from', from, '-s', '-g', '-m', '3', ...words, url)).stdout,
    down: () => lab('down'),
  };
}

/** A Deployment of Pods that answer at these ports. */
export function deployment(name: string, ports: readonly object[], replicas = 1, namespace = 'shop'): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image: 'app', ports }] } },
    },
  };
}

/** A Service of the Pods of a Deployment with the same name, unless the spec says otherwise. */
export function service(name: string, ports: readonly object[], spec: object = {}, namespace = 'shop'): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports, ...spec },
  };
}

/** A Service as `lab status` describes it. */
interface ServiceStatus {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly external: readonly string[];
}

/** The cluster IPs, and so on, of a Service, as `lab status` tells them. */
export async function describeService({ lab }: TestLab, name: string): Promise<ServiceStatus> {
  const { services } = JSON.parse((await lab('status', '-o', 'json')).stdout) as {
    readonly services: readonly ServiceStatus[];
  };
  const found = services.find((one) => one.name === name);
  if (!found) {
    throw new Error(`no Service ${name}`);
  }
  return found;
}
