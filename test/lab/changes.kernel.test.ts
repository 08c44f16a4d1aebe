import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bringUp, service, type TestLab, workload } from './run-lab.ts';

const objects = [
  workload('client', [{ containerPort: 80 }]),
  workload('web', [{ containerPort: 8080 }], 2),
  service('web', [{ port: 80, targetPort: 8080 }], { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }),
  workload('db', [{ containerPort: 8080 }], 1, 'StatefulSet'),
  service('db', [{ port: 80, targetPort: 8080 }]),
];

describe('a lab that changes', () => {
  let lab: TestLab;
  const from = 'deployment/client';

  beforeAll(async () => {
    lab = await bringUp('changes', objects);
  });
  afterAll(async () => {
    await lab?.run('down');
  });

  const answersOfAll = (workloadName: string) => ({
    ...{ from, to: `http://${workloadName.split('/')[1]}`, answeredBy: workloadName, times: 60, all: true },
  });

  test('has more Pods answer after scale, and fewer again', async () => {
    const { stdout } = await lab.run('scale', 'deployment/web', '4');
    expect(stdout).toMatch(/^\+ shop\/web-2 on node-\d\n\+ shop\/web-3 on node-\d$/);
    expect(await lab.failures([answersOfAll('deployment/web')])).toEqual([]);
    expect((await lab.run('scale', 'deployment/web', '2')).stdout).toMatch(
      /^- shop\/web-\d on node-\d\n- shop\/web-\d on node-\d$/,
    );
    expect(await lab.failures([answersOfAll('deployment/web')])).toEqual([]);
  });

  test('loses no request while a workload is rolled', async () => {
    const script = 'i=0; while [ $i -lt 60 ]; do curl -s -m 3 http://web || echo lost; i=$((i+1)); done';
    const requests = lab.run('shell', '--from', from, 'sh', '-c', script);
    const rolled = await lab.run('roll', 'deployment/web');
    expect(rolled.stdout.split('\n').filter((line) => line.startsWith('+'))).toHaveLength(2);
    const lines = (await requests).stdout.split('\n');
    expect(lines).toHaveLength(60);
    expect(lines.filter((line) => !line.startsWith('shop/web-'))).toEqual([]);
  });

  test('moves the Pods of a drained node, and the load balancer follows', async () => {
    const { pods } = await lab.status();
    const node = pods.find(({ name }) => name.startsWith('shop/web-'))?.node ?? '';
    expect((await lab.run('drain', node)).exitCode).toBe(0);
    const after = await lab.status();
    expect(after.pods.filter((pod) => pod.node === node)).toEqual([]);
    const nodes = new Set(after.pods.filter(({ name }) => name.startsWith('shop/web-')).map((pod) => pod.node));
    expect(new Set(after.loadBalancer[0]?.nodes)).toEqual(nodes);
    expect(
      await lab.failures([answersOfAll('deployment/web'), { from: 'outside', to: 'http://web', times: 10 }]),
    ).toEqual([]);
    expect((await lab.run('uncordon', node)).stdout).toBe('no Pod came or went');
  });

  test('has another Pod in place of one that is killed, with the same name in a StatefulSet', async () => {
    const { pods } = await lab.status();
    const name = pods.find((pod) => pod.name.startsWith('shop/web-'))?.name ?? '';
    expect((await lab.run('kill', name)).stdout).toContain(`- ${name} on `);
    expect((await lab.run('kill', 'shop/db-0')).exitCode).toBe(0);
    expect(await lab.failures([answersOfAll('deployment/web'), answersOfAll('statefulset/db')])).toEqual([]);
  });

  test.each([
    [['scale', 'deployment/nope', '1'], 1, 'there is no Deployment "nope"'],
    [['scale', 'deployment/web', 'x'], 2, '"x" is not a number of replicas'],
    [['drain'], 2, 'expected svc2nft lab drain NODE'],
    [['drain', 'node-9'], 1, 'there is no Node "node-9"'],
    [['kill', 'shop/nope'], 1, 'there is no Pod "nope"'],
    [['status', '--from', 'outside'], 2, '--from does not go with lab status'],
    [['status', '--nodes', '2'], 2, 'lab status takes no flags that describe a cluster'],
  ])('%j is an error', async ([action = '', ...words], exitCode, message) => {
    const result = await lab.run(action, ...words);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stderr).toContain(message);
  });
});
