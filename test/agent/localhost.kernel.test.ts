import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { service, slice, workerNode } from '../apply/kernel/manifests.ts';
import { openNode, type TestNode } from '../apply/kernel/open-node.ts';
import type { ApiObject } from '../support/api-server.js';
import { kernelTestsRun } from '../support/kernel-tests.ts';
import { askInNamespace, occupyPort } from './ask-in-namespace.ts';
import {
  type AgentProcess,
  type RemoteApiServer,
  startAgentProcess,
  startRemoteApiServer,
} from './start-agent-process.ts';

/** How long to wait for something that has to happen. */
const patience = { timeout: 30_000, interval: 100 };

const gate = ['--feature-gates', 'KubeProxyNFTablesLocalhostNodePorts=true'];

function web(spec: Readonly<Record<string, unknown>> = {}): ApiObject {
  const object = service('web', {
    type: 'NodePort',
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10', 'fd00:10:96::10'],
    ipFamilies: ['IPv4', 'IPv6'],
    ports: [
      { name: 'http', port: 80, nodePort: 30_080 },
      { name: 'dns', port: 53, nodePort: 30_053, protocol: 'UDP' },
    ],
    ...spec,
  });
  return object as unknown as ApiObject;
}

function endpoints(...addresses: readonly string[]): ApiObject {
  return slice('web', addresses) as unknown as ApiObject;
}

/** What one connection to a place gets: its answer, `refused` or `no answer`. It sends a line, ends its side, and then reads to the end. */
const client = `
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
try:
    connection = socket.create_connection((host, port), timeout=5)
    connection.sendall(b"question")
    connection.shutdown(socket.SHUT_WR)
    answer = b""
    while True:
        part = connection.recv(1000)
        if not part:
            break
        answer += part
    print(answer.decode())
except (ConnectionRefusedError, ConnectionResetError):
    print("refused")
except TimeoutError:
    print("no answer")
`;

/** The same over UDP. What the kernel refuses on its way out fails to be sent (EPERM), and an ICMP error follows. */
const datagram = `
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
flow = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
flow.settimeout(20)
flow.connect((host, port))
try:
    flow.send(b"question")
    flow.recv(1000)
except (ConnectionRefusedError, PermissionError):
    print("refused")
`;

/** Answers a connection only once the client has ended its side. */
const endpoint = `
import socket, sys, threading
server = socket.create_server((sys.argv[1], int(sys.argv[2])), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
print("listening", flush=True)
def serve():
    while True:
        connection, _ = server.accept()
        text = b""
        while True:
            part = connection.recv(1000)
            if not part:
                break
            text += part
        connection.sendall(b"answer of " + sys.argv[1].encode() + b" to " + text)
        connection.close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
`;

import { python3 } from '../support/python3.ts';

describe.skipIf(!kernelTestsRun)('node ports at loopback addresses', () => {
  let node: TestNode;
  let server: RemoteApiServer;
  let agent: AgentProcess;
  const ends: (() => Promise<unknown>)[] = [];

  async function serve(address: string, port: number): Promise<void> {
    const inside = [`--net=${node.namespace}`, python3, '-sEc', endpoint, address, `${port}`];
    const child = execa('nsenter', inside, { stdin: 'pipe', reject: false, buffer: false });
    const lines = child.iterable();
    await lines.next();
    ends.push(async () => {
      child.stdin.end();
      while (!(await lines.next()).done) {}
      await child;
    });
  }

  async function ask(host: string, port: number, script = client): Promise<string> {
    const inside = [`--net=${node.namespace}`, python3, '-sEc', script, host, `${port}`];
    return (await execa('nsenter', inside)).stdout;
  }

  async function expectAnswer(host: string, answer: string, port = 30_080): Promise<void> {
    await vi.waitFor(async () => expect(await ask(host, port)).toBe(answer), patience);
  }

  function start(...nodePortAddresses: readonly string[]): void {
    const flags = nodePortAddresses.flatMap((text) => ['--nodeport-addresses', text]);
    agent = startAgentProcess(node, server.url, [...gate, ...flags]);
  }

  beforeAll(async () => {
    node = await openNode();
    // Endpoints are processes of the node itself, at addresses of pods.
    for (const address of ['192.0.2.11/32', '10.244.1.1/32', '10.244.1.2/32', 'fd00:10:244:1::1/128']) {
      await execa('nsenter', [`--net=${node.namespace}`, 'ip', 'address', 'add', address, 'dev', 'lo']);
    }
  });

  afterAll(() => node.close());

  beforeEach(async () => {
    const objects = [workerNode as unknown as ApiObject, web(), endpoints('10.244.1.1')];
    server = await startRemoteApiServer(node, { objects });
    await serve('10.244.1.1', 8080);
    await serve('10.244.1.2', 8080);
    await serve('fd00:10:244:1::1', 8080);
  });

  afterEach(async () => {
    agent.kill('SIGKILL');
    await agent.ended;
    await server.end();
    for (const end of ends.splice(0)) {
      await end();
    }
    await node.nft('flush ruleset');
  });

  test('lead to endpoints over TCP, with one side ended, and follow them', async () => {
    start('primary,localhost');
    await expectAnswer('127.0.0.1', 'answer of 10.244.1.1 to question');
    expect(await ask('::1', 30_080)).toBe('refused');
    await server.call('apply', { ...endpoints('fd00:10:244:1::1') });
    await expectAnswer('::1', 'answer of fd00:10:244:1::1 to question');
    await server.call('apply', endpoints('10.244.1.2'));
    await expectAnswer('127.0.0.1', 'answer of 10.244.1.2 to question');
    await server.call('apply', web({ ports: [{ name: 'http', port: 80, nodePort: 30_081 }] }));
    await expectAnswer('127.0.0.1', 'answer of 10.244.1.2 to question', 30_081);
    expect(await ask('127.0.0.1', 30_080)).toBe('refused');
    await server.call('remove', 'Service', 'shop', 'web');
    await expectAnswer('127.0.0.1', 'refused', 30_081);
  });

  test('are refused at once over UDP', async () => {
    start('primary,localhost');
    await expectAnswer('127.0.0.1', 'answer of 10.244.1.1 to question');
    // More often than the kernel sends ICMP errors to other nodes.
    for (let count = 0; count < 10; count += 1) {
      expect(await ask('127.0.0.1', 30_053, datagram)).toBe('refused');
    }
    expect(await ask('::1', 30_053, datagram)).toBe('refused');
  });

  test('end with the agent', async () => {
    start('primary,localhost');
    await expectAnswer('127.0.0.1', 'answer of 10.244.1.1 to question');
    agent.kill('SIGTERM');
    expect(await agent.ended).toBe(0);
    expect(await ask('127.0.0.1', 30_080)).toBe('refused');
  });

  test('are refused over TCP, also where another program listens, unless nodePortAddresses names loopback addresses', async () => {
    const other = await occupyPort(node, '127.0.0.1', 30_080);
    start('primary');
    await expectAnswer('127.0.0.1', 'refused');
    await other.end();
  });

  test('wait for a port that another program has, and say so', async () => {
    const other = await occupyPort(node, '127.0.0.1', 30_080);
    start('primary,localhost');
    await vi.waitFor(async () => {
      expect(agent.log).toContainEqual(
        expect.objectContaining({
          msg: 'a node port cannot be opened at a loopback address; trying again',
          ...{ service: 'shop/web', family: 'IPv4', port: 30_080 },
          reason: '127.0.0.1:30080: another socket uses it',
        }),
      );
    }, patience);
    const metrics = await askInNamespace(node, '127.0.0.1:10249', '/metrics');
    expect(metrics?.body).toContain(
      'kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total{ip_family="IPv4"} 1',
    );
    await other.end();
    await vi.waitFor(() => {
      expect(agent.log.map(({ msg }) => msg)).toContain('a node port is open at a loopback address');
    }, patience);
    await expectAnswer('127.0.0.1', 'answer of 10.244.1.1 to question');
    const later = await askInNamespace(node, '127.0.0.1:10249', '/metrics');
    expect(later?.body).toContain('kubeproxy_nftables_localhost_nodeport_listeners{ip_family="IPv4"} 1');
  });
});
