import type { ConntrackSettings, KubeProxySettings } from '../config/kube-proxy-settings.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { AgentLog } from './state-log.ts';

/** A setting of the kernel, and what it should be. */
interface KernelSetting {
  /** As sysctl(8) or the kernel's documentation names it. */
  readonly name: string;
  readonly path: string;
  readonly value: number;
  /** A higher one stays. */
  readonly isMinimum?: true;
}

/** What concerns the kernel among the settings of an agent. */
type WantedSettings = Pick<KubeProxySettings, 'conntrack' | 'oomScoreAdj'>;

/** What setting works with. */
interface SettingTools {
  readonly files: KernelFiles;
  readonly log: AgentLog;
  /** How many CPUs there are, where sysfs does not say. */
  readonly cpus: number;
}

/**
 * Sets what is asked for and differs, and nothing else. What cannot be set is logged, with what to do.
 *
 * @returns what to do once there are rules: settings may be missing until these load the module nf_conntrack.
 */
export async function setKernelSettings(
  wanted: WantedSettings,
  { files, log, cpus }: SettingTools,
): Promise<() => Promise<void>> {
  const settings = kernelSettings(wanted, (await countCPUs(files)) ?? cpus);
  const missing: KernelSetting[] = [];
  for (const setting of settings) {
    const failure = await bring(setting, files, log);
    if (failure?.code === 'ENOENT') {
      missing.push(setting);
    } else if (failure) {
      tellFailure(setting, failure, log);
    }
  }
  return async () => {
    for (const setting of missing.splice(0)) {
      const failure = await bring(setting, files, log);
      if (failure) {
        tellFailure(setting, failure, log);
      }
    }
  };
}

/** All settings that are asked for (kube-proxy's setupConntrack). */
function kernelSettings({ conntrack = {}, oomScoreAdj }: WantedSettings, cpus: number): KernelSetting[] {
  const limit = conntrackLimit(conntrack, cpus);
  const times = [
    ['nf_conntrack_tcp_timeout_established', conntrack.tcpEstablishedTimeout],
    ['nf_conntrack_tcp_timeout_close_wait', conntrack.tcpCloseWaitTimeout],
    ['nf_conntrack_udp_timeout', conntrack.udpTimeout],
    ['nf_conntrack_udp_timeout_stream', conntrack.udpStreamTimeout],
  ] as const;
  return [
    ...(oomScoreAdj === undefined
      ? []
      : [{ name: 'oom_score_adj', path: '/proc/self/oom_score_adj', value: oomScoreAdj }]),
    ...(limit === undefined ? [] : [sysctl('nf_conntrack_max', limit), hashSize(Math.floor(limit / 4))]),
    ...times.flatMap(([name, seconds = 0]) => (seconds > 0 ? [sysctl(name, seconds)] : [])),
    ...(conntrack.tcpBeLiberal ? [sysctl('nf_conntrack_tcp_be_liberal', 1)] : []),
  ];
}

function sysctl(name: string, value: number): KernelSetting {
  return { name: `net.netfilter.${name}`, path: `/proc/sys/net/netfilter/${name}`, value };
}

/** Else the lists of a full table would be long. */
function hashSize(value: number): KernelSetting {
  const path = '/sys/module/nf_conntrack/parameters/hashsize';
  return { name: 'nf_conntrack.hashsize', path, value, isMinimum: true };
}

/** kube-proxy's defaults, for a configuration that has one of the two. */
const defaultLimits = { maxPerCore: 32_768, min: 131_072 };

/** Where kube-proxy stops multiplying. */
const highestLimit = 1_048_576;

/** How many connections the kernel should be able to track; undefined for as many as it does. */
function conntrackLimit(conntrack: ConntrackSettings, cpus: number): number | undefined {
  if (conntrack.maxPerCore === undefined && conntrack.min === undefined) {
    return undefined;
  }
  const { maxPerCore, min } = { ...defaultLimits, ...conntrack };
  const scaled = maxPerCore * cpus;
  const limit = scaled > min ? Math.min(scaled, highestLimit) : min;
  return maxPerCore === 0 || limit === 0 ? undefined : limit;
}

/** The CPUs that are online, `0-3,8`; undefined where sysfs does not say. */
async function countCPUs(files: KernelFiles): Promise<number | undefined> {
  const text = await files.read('/sys/devices/system/cpu/online').catch(() => '');
  const ranges = [...text.matchAll(/(\d+)(?:-(\d+))?/g)];
  const count = ranges.reduce((sum, [, first, last = first]) => sum + Number(last) - Number(first) + 1, 0);
  return count > 0 ? count : undefined;
}

/** Why a setting could not be set. */
interface Failure {
  readonly code: string;
  readonly message: string;
  /** Its value; undefined if it could not be read either. */
  readonly is: number | undefined;
}

/** Brings one setting to its value; resolves to what went wrong, if anything did. */
async function bring(setting: KernelSetting, files: KernelFiles, log: AgentLog): Promise<Failure | undefined> {
  const { name, path, value, isMinimum } = setting;
  let is: number | undefined;
  try {
    is = Number(await files.read(path));
    if (is !== value && !(isMinimum && is > value)) {
      await files.write(path, `${value}\n`);
      log('info', 'a setting of the kernel was changed', { setting: name, from: is, to: value });
    }
    return undefined;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { code, message, is };
  }
}

function tellFailure({ name, path, value }: KernelSetting, { code, message, is }: Failure, log: AgentLog): void {
  const isOfProcess = path.startsWith('/proc/self/');
  const advice = isOfProcess ? '' : `; set ${name} on the host, or leave it out of the configuration`;
  const reasons: Readonly<Record<string, string>> = {
    EROFS: `${path} is read-only here, as in a container that is not privileged${advice}`,
    EACCES: `no permission to write ${path}${advice}`,
    EPERM: `no permission to write ${path}${advice}`,
    ENOENT: `there is no ${path}, which comes with the module nf_conntrack`,
    EINVAL: 'the kernel does not accept the value',
    ENOTSUP: `the kernel lets nobody change it outside of the host's network namespace${advice}`,
    EOPNOTSUPP: `the kernel lets nobody change it outside of the host's network namespace${advice}`,
  };
  const reason = reasons[code] ?? message;
  log('warn', 'a setting of the kernel cannot be changed; it stays as it is', {
    setting: name,
    is,
    wanted: value,
    reason,
  });
}
