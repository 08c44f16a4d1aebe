import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { setKernelSettings } from '../../src/agent/kernel-settings.ts';
import type { KubeProxySettings } from '../../src/config/kube-proxy-settings.ts';
import { type KernelFiles, kernelFilesIn } from '../../src/kernel/kernel-files.ts';

const limit = '/proc/sys/net/netfilter/nf_conntrack_max';
const hashSize = '/sys/module/nf_conntrack/parameters/hashsize';
const established = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established';
const closeWait = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait';
const udp = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout';
const udpStream = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream';
const liberal = '/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal';
const oomScore = '/proc/self/oom_score_adj';

/** As a kernel has them. */
const usual: Readonly<Record<string, string>> = {
  [limit]: '262144\n',
  [hashSize]: '65536\n',
  [established]: '432000\n',
  [closeWait]: '60\n',
  [udp]: '30\n',
  [udpStream]: '120\n',
  [liberal]: '0\n',
  [oomScore]: '0\n',
  '/sys/devices/system/cpu/online': '0-3\n',
};

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svc2nft-test-'));
  await write(usual);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Sets what is wanted, and says which files differ from what they were, and what the log has. */
async function set(wanted: KubeProxySettings, files: Partial<KernelFiles> = {}) {
  const lines: string[] = [];
  const written: string[] = [];
  const real = kernelFilesIn(folder);
  const recorded: KernelFiles = {
    ...real,
    write: async (path, text) => {
      written.push(path);
      await real.write(path, text);
    },
  };
  const tools = {
    files: { ...recorded, ...files },
    log: (level: string, message: string, details: object = {}) => {
      lines.push(`${level} ${message}: ${Object.values(details).join(' ')}`);
    },
    cpus: 2,
  };
  const setMissing = await setKernelSettings(wanted, tools);
  const texts = await Promise.all(
    Object.keys(usual).map(async (path) => [path, await readFile(join(folder, path), 'utf8').catch(() => undefined)]),
  );
  const changed = Object.fromEntries(texts.filter(([path = '', text]) => text !== usual[path]));
  return { changed, written, lines, setMissing };
}

test('nothing is set unless it is asked for', async () => {
  for (const wanted of [{}, { conntrack: {} }, { conntrack: { tcpBeLiberal: false, udpTimeout: 0, maxPerCore: 0 } }]) {
    expect(await set(wanted)).toMatchObject({ changed: {}, written: [], lines: [] });
  }
});

test('all that is asked for is set, and logged with the value before', async () => {
  const { changed, lines } = await set({
    oomScoreAdj: -999,
    conntrack: {
      maxPerCore: 100_000,
      tcpEstablishedTimeout: 86_400,
      tcpCloseWaitTimeout: 3_600,
      udpTimeout: 10,
      udpStreamTimeout: 90,
      tcpBeLiberal: true,
    },
  });
  expect(changed).toEqual({
    [limit]: '400000\n',
    [hashSize]: '100000\n',
    [established]: '86400\n',
    [closeWait]: '3600\n',
    [udp]: '10\n',
    [udpStream]: '90\n',
    [liberal]: '1\n',
    [oomScore]: '-999\n',
  });
  const words = 'info a setting of the kernel was changed:';
  expect(lines).toEqual([
    `${words} oom_score_adj 0 -999`,
    `${words} net.netfilter.nf_conntrack_max 262144 400000`,
    `${words} nf_conntrack.hashsize 65536 100000`,
    `${words} net.netfilter.nf_conntrack_tcp_timeout_established 432000 86400`,
    `${words} net.netfilter.nf_conntrack_tcp_timeout_close_wait 60 3600`,
    `${words} net.netfilter.nf_conntrack_udp_timeout 30 10`,
    `${words} net.netfilter.nf_conntrack_udp_timeout_stream 120 90`,
    `${words} net.netfilter.nf_conntrack_tcp_be_liberal 0 1`,
  ]);
});

test('what is as it should be is not written', async () => {
  const conntrack = { min: 262_144, maxPerCore: 1, tcpEstablishedTimeout: 432_000, udpTimeout: 30 };
  expect(await set({ conntrack, oomScoreAdj: 0 })).toMatchObject({ written: [], lines: [] });
});

describe('the number of connections', () => {
  // Four CPUs; kube-proxy: getConntrackMax and SetMax.
  test.each([
    [{ maxPerCore: 32_768, min: 131_071 }, '131072\n', undefined],
    [{ maxPerCore: 32_768, min: 131_072 }, '131072\n', undefined],
    [{ maxPerCore: 1_000, min: 200_000 }, '200000\n', undefined],
    [{ maxPerCore: 1_000_000, min: 0 }, '1048576\n', '262144\n'],
    [{ maxPerCore: 1_000_000, min: 2_000_000 }, '1048576\n', '262144\n'],
    [{ maxPerCore: 1, min: 2_000_000 }, '2000000\n', '500000\n'],
    // With one, the other has the default of kube-proxy.
    [{ min: 100_000 }, '131072\n', undefined],
    [{ min: 140_000 }, '140000\n', undefined],
    [{ maxPerCore: 1_000 }, '131072\n', undefined],
    [{ maxPerCore: 0, min: 900_000 }, undefined, undefined],
  ])('of %j is %s', async (conntrack, expected, expectedHash) => {
    const { changed } = await set({ conntrack });
    expect([changed[limit], changed[hashSize]]).toEqual([expected, expectedHash]);
  });

  test.each([
    ['0\n', 1],
    ['0-1,4,6-7\n', 5],
    ['', 2],
  ])('with the CPUs %j', async (online, count) => {
    await write({ '/sys/devices/system/cpu/online': online });
    const { changed } = await set({ conntrack: { maxPerCore: 90_000, min: 1 } });
    expect(changed[limit]).toBe(`${90_000 * count}\n`);
  });

  test('without sysfs is that of the CPUs that the program sees', async () => {
    await rm(join(folder, '/sys/devices'), { recursive: true });
    expect((await set({ conntrack: { maxPerCore: 90_000, min: 1 } })).changed[limit]).toBe('180000\n');
  });
});

describe('what cannot be set', () => {
  function failing(code: string): KernelFiles['write'] {
    return async () => {
      throw Object.assign(new Error(`${code}: no`), { code });
    };
  }

  test.each([
    [
      'EROFS',
      `${udp} is read-only here, as in a container that is not privileged; set net.netfilter.nf_conntrack_udp_timeout on the host, or leave it out of the configuration`,
    ],
    [
      'EACCES',
      `no permission to write ${udp}; set net.netfilter.nf_conntrack_udp_timeout on the host, or leave it out of the configuration`,
    ],
    [
      'EPERM',
      `no permission to write ${udp}; set net.netfilter.nf_conntrack_udp_timeout on the host, or leave it out of the configuration`,
    ],
    ['EINVAL', 'the kernel does not accept the value'],
    [
      'ENOTSUP',
      "the kernel lets nobody change it outside of the host's network namespace; set net.netfilter.nf_conntrack_udp_timeout on the host, or leave it out of the configuration",
    ],
    ['EIO', 'EIO: no'],
  ])('because of %s is logged, and the rest goes on', async (code, reason) => {
    const { lines } = await set({ conntrack: { udpTimeout: 10, udpStreamTimeout: 90 } }, { write: failing(code) });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(
      `warn a setting of the kernel cannot be changed; it stays as it is: net.netfilter.nf_conntrack_udp_timeout 30 10 ${reason}`,
    );
  });

  test('of the process itself is not to be set elsewhere', async () => {
    const { lines } = await set({ oomScoreAdj: -999 }, { write: failing('EACCES') });
    expect(lines).toEqual([
      `warn a setting of the kernel cannot be changed; it stays as it is: oom_score_adj 0 -999 no permission to write ${oomScore}`,
    ]);
  });

  test('because the module is not loaded is set once it is, and no file is made', async () => {
    await rm(join(folder, '/proc/sys/net/netfilter'), { recursive: true });
    const { lines, setMissing, written } = await set({ conntrack: { udpTimeout: 10, udpStreamTimeout: 90 } });
    expect(lines).toEqual([]);
    expect(written).toEqual([]);
    await write({ [udp]: '30\n' });
    await setMissing();
    expect(await readFile(join(folder, udp), 'utf8')).toBe('10\n');
    expect(lines).toEqual([
      'info a setting of the kernel was changed: net.netfilter.nf_conntrack_udp_timeout 30 10',
      `warn a setting of the kernel cannot be changed; it stays as it is: net.netfilter.nf_conntrack_udp_timeout_stream  90 there is no ${udpStream}, which comes with the module nf_conntrack`,
    ]);
    await setMissing();
    expect(lines).toHaveLength(2);
  });
});
