import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './lab-process.ts';
import { clusterDomain } from './plan-lab.ts';

/** Files that processes of a lab see in place of those of the machine. */
export interface LabFiles {
  /** A file in place of resolv.conf, as a kubelet makes it for the Pods of a namespace; undefined where there is none to replace. */
  resolvConfFor(namespace: string, servers: readonly string[]): string | undefined;
}

/** Names are looked up in files and DNS only: other ways lead to services of the machine. */
const nsswitch = `passwd: files
group: files
hosts: files dns
services: files
protocols: files
`;

const hosts = `127.0.0.1 localhost
::1 localhost ip6-localhost ip6-loopback
`;

/** Nothing of the machine answers in a lab, not even slowly. */
const noDns = '# no DNS\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n';

/** Directories with sockets of services of the machine that look up names. */
const lookupServices = ['/run/nscd', '/run/systemd/resolve', '/run/dbus'];

/**
 * Puts the files in place, for this process and all that it starts later. Its mount namespace has to be its own.
 *
 * @param folder an empty one, where a file system that lives as long as this namespace can be mounted.
 */
export async function openLabFiles(folder: string): Promise<LabFiles> {
  await mustRun('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=16m', 'lab', folder]);
  const texts: readonly (readonly [string, string])[] = [
    ['nsswitch.conf', nsswitch],
    ['hosts', hosts],
    ['resolv.conf', noDns],
  ];
  for (const [name, text] of texts) {
    const path = join(folder, name);
    writeFileSync(path, text);
    await bind(path, `/etc/${name}`);
  }
  mkdirSync(join(folder, 'empty'));
  for (const service of lookupServices.filter((one) => existsSync(one))) {
    await mustRun('mount', ['--bind', join(folder, 'empty'), service]);
  }
  const written = new Map<string, string>();
  return {
    resolvConfFor: (namespace, servers) => {
      const text = resolvConf(namespace, servers);
      const path = written.get(text) ?? join(folder, `resolv-${written.size}`);
      if (!written.has(text)) {
        written.set(text, path);
        writeFileSync(path, text);
      }
      return existsSync('/etc/resolv.conf') ? path : undefined;
    },
  };
}

/** A file that the machine does not have cannot be replaced; programs then do without. */
async function bind(path: string, target: string): Promise<void> {
  if (existsSync(target)) {
    await mustRun('mount', ['--bind', path, target]);
  }
}

/** As a kubelet writes it with dnsPolicy ClusterFirst. */
function resolvConf(namespace: string, servers: readonly string[]): string {
  const domains = [`svc.${clusterDomain}`, clusterDomain];
  const search = namespace === '' ? domains : [`${namespace}.${domains[0]}`, ...domains];
  return [`search ${search.join(' ')}`, ...servers.map((server) => `nameserver ${server}`), 'options ndots:5', ''].join(
    '\n',
  );
}
