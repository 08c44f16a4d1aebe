import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bringUp, manifestsOf, ownName, runLab, service, withFile, workload } from './run-lab.ts';

const objects = [workload('web', [{ containerPort: 8080 }], 2), service('web', [{ port: 80, targetPort: 8080 }])];

const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

/** What a machine has that a lab must neither change nor leave behind. */
async function describeMachine(): Promise<object> {
  const [links, namespaces, rules] = await Promise.all([
    execa('ip', ['-o', 'link'], { env }),
    execa('ip', ['netns', 'list'], { env }),
    execa('nft', ['list', 'tables'], { env }),
  ]);
  return {
    ...{ links: links.stdout, namespaces: namespaces.stdout, rules: rules.stdout },
    // Those of other programs come and go.
    mounts: readFileSync('/proc/self/mountinfo', 'utf8').match(/^.*(svc2nft|\/etc\/| lab ).*$/gm),
    forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8'),
    resolver: readFileSync('/etc/resolv.conf', 'utf8'),
  };
}

/** Processes of a lab, by what their command lines and namespaces say. */
function processesOf(name: string): number[] {
  const all = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  const commandOf = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  };
  const namespaceOf = (pid: string): string => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`);
    } catch {
      return '';
    }
  };
  const own = namespaceOf('self');
  const supervisors = all.filter((pid) => commandOf(pid).includes(`/lab/${name}\0`));
  const namespaces = new Set(supervisors.map(namespaceOf).filter((namespace) => namespace !== own));
  return all.filter((pid) => supervisors.includes(pid) || namespaces.has(namespaceOf(pid))).map(Number);
}

function supervisor(name: string): number {
  const found = processesOf(name).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('node'));
  if (found === undefined) {
    throw new Error(`no processes of ${name}`);
  }
  return found;
}

async function statusCode(name: string): Promise<number | undefined> {
  return (await runLab(['status', '--name', name])).exitCode;
}

describe('the end of a lab', () => {
  let before: object;
  beforeAll(async () => {
    before = await describeMachine();
  });
  afterAll(async () => {
    for (const name of ['ending', 'killed', 'left']) {
      await runLab(['down', '--name', ownName(name)]);
    }
  });

  test('leaves nothing, after down', async () => {
    const lab = await bringUp('ending', objects);
    expect(await describeMachine()).toEqual(before);
    expect(processesOf(lab.name).length).toBeGreaterThan(8);
    expect(await lab.run('down')).toMatchObject({ exitCode: 0, stderr: `lab ${lab.name} is down` });
    expect(processesOf(lab.name)).toEqual([]);
    expect(existsSync(`/run/svc2nft/lab/${lab.name}`)).toBe(false);
    expect(await describeMachine()).toEqual(before);
  });

  test('takes all processes along, also when its first one is killed, with what somebody runs in it', async () => {
    const lab = await bringUp('killed', objects);
    const shell = lab.run('shell', '--from', 'deployment/web', 'sleep', '1000');
    const all = processesOf(lab.name);
    process.kill(supervisor(lab.name), 'SIGKILL');
    await shell;
    await expect
      .poll(() => all.filter((pid) => existsSync(`/proc/${pid}`) && !isZombie(pid)), { timeout: 10_000 })
      .toEqual([]);
    expect(await describeMachine()).toEqual(before);
    expect((await lab.run('status')).stderr).toContain(`error: no lab ${lab.name} is up`);
    expect(await lab.run('down')).toMatchObject({ exitCode: 0 });
    expect(existsSync(`/run/svc2nft/lab/${lab.name}`)).toBe(false);
  });

  test('of one name does not keep another one from it, nor two at a time', async () => {
    const lab = await bringUp('left', objects);
    const second = await runLab(['-', '--name', lab.name], manifestsOf(objects));
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(`lab ${lab.name} is already up`) });
    process.kill(supervisor(lab.name), 'SIGKILL');
    const again = await bringUp('left', objects);
    expect(await again.curl('deployment/web', 'http://web')).toMatch(/^shop\/web-/);
    await again.run('down');
  });

  test('comes with that of an interrupted test, and what is left of it is removed', async () => {
    const name = ownName('left');
    // One of the three nodes has no endpoint and drops all of these connections, which takes minutes.
    const local = service('local', [{ port: 80 }], { selector: { app: 'web' }, internalTrafficPolicy: 'Local' });
    const nodes = ['node:node-1', 'node:node-2', 'node:node-3'];
    const expectations = { expect: nodes.map((from) => ({ from, to: 'tcp://local.shop:80', times: 1000 })) };
    await withFile(expectations, async (file) => {
      const words = ['bin/svc2nft.js', 'lab', 'test', file, '-', '--name', name];
      const running = execa(process.execPath, words, { input: manifestsOf([...objects, local]), reject: false });
      await expect.poll(() => statusCode(name), { timeout: 60_000 }).toBe(0);
      running.kill('SIGKILL');
      await running;
    });
    await expect.poll(() => processesOf(name), { timeout: 30_000 }).toEqual([]);
    await runLab(['down', '--name', name]);
    expect(existsSync(`/run/svc2nft/lab/${name}`)).toBe(false);
  });

  test('comes with the end of a test that has brought it up', async () => {
    const expectations = { expect: [{ from: 'deployment/web', to: 'http://web', answeredBy: 'deployment/web' }] };
    const result = await withFile(expectations, (file) =>
      runLab(['test', file, '-', '--name', ownName('ending')], manifestsOf(objects)),
    );
    expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^ok .*\n1 of 1 expectation met$/) });
    expect(processesOf(ownName('ending'))).toEqual([]);
    expect(await describeMachine()).toEqual(before);
  });

  test('does not come with a test of another lab that cannot have its name', async () => {
    const lab = await bringUp('left', objects);
    const expectations = { expect: [{ from: 'outside', to: 'tcp://192.0.2.1:9' }] };
    const result = await withFile(expectations, (file) =>
      runLab(['test', file, '-', '--name', lab.name], manifestsOf(objects)),
    );
    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is already up') });
    expect((await lab.run('status')).exitCode).toBe(0);
    await lab.run('down');
  });

  test('does not come with a question that somebody asks while it is brought up', async () => {
    const name = ownName('ending');
    const up = runLab(['-', '--name', name], manifestsOf(objects));
    await expect.poll(() => existsSync(`/run/svc2nft/lab/${name}/socket`), { timeout: 20_000, interval: 5 }).toBe(true);
    await runLab(['curl', '--name', name, 'http://192.0.2.1']);
    expect((await up).exitCode).toBe(0);
    await runLab(['down', '--name', name]);
  });
});

test('expectations are read from stdin, but not together with manifests', async () => {
  const wrong = await runLab(['test', '-'], 'expect: [{ to: http://web }]');
  expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('expect[0].from is missing') });
  const twice = await runLab(['test', '-', '-'], 'expect: []');
  expect(twice).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('stdin can be read only once') });
});

test('an action with a typo is suggested', async () => {
  const { exitCode, stderr } = await runLab(['satus']);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('satus: error file-not-found');
  expect(stderr).toContain('note: did you mean svc2nft lab status?');
});

function isZombie(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}
