import { execa } from 'execa';
import type { TestNode } from '../apply/kernel/open-node.ts';
import { python3 } from '../support/python3.ts';

/** What a server in a network namespace answered. */
export interface NamespaceAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const client = `
import http.client, json, sys
host, port, method, path = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=10)
try:
    connection.request(method, path)
except ConnectionRefusedError:
    sys.exit(print(json.dumps(None)))
answer = connection.getresponse()
headers = {name.lower(): value for name, value in answer.getheaders()}
print(json.dumps({"status": answer.status, "headers": headers, "body": answer.read().decode()}))
`;

/**
 * Sends a request within the node's namespace; undefined when nothing listens there.
 *
 * @param place `192.0.2.11:31000`, `[::1]:10256`.
 */
export async function askInNamespace(
  { namespace }: Pick<TestNode, 'namespace'>,
  place: string,
  path = '/',
  method = 'GET',
): Promise<NamespaceAnswer | undefined> {
  const [, bracketed, plain, port = ''] = /^(?:\[(.*)\]|(.*)):(\d+)$/.exec(place) ?? [];
  const host = bracketed ?? plain ?? '';
  const { stdout } = await execa('nsenter', [`--net=${namespace}`, python3, '-sEc', client, host, port, method, path]);
  return (JSON.parse(stdout) as NamespaceAnswer | null) ?? undefined;
}

/** Listens at a place in the node's namespace, as another program would; resolves when it does. */
export async function occupyPort(
  { namespace }: Pick<TestNode, 'namespace'>,
  address: string,
  port: number,
): Promise<{ end(): Promise<void> }> {
  const script = `
import socket, sys
server = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("listening", flush=True)
sys.stdin.read()
`;
  const child = execa('nsenter', [`--net=${namespace}`, python3, '-sEc', script, address, `${port}`], {
    stdin: 'pipe',
    reject: false,
    buffer: false,
  });
  const lines = child.iterable();
  await lines.next();
  return {
    end: async () => {
      child.stdin.end();
      // Its output has to be read to the end, or it does not count as ended.
      while (!(await lines.next()).done) {}
      await child;
    },
  };
}
