import { describe, expect, test } from 'vitest';
import type { LocalhostPort, LocalhostTarget } from '../../src/engine/localhost-ports.ts';
import { endpointText } from '../../src/net/network.ts';
import type { RelayOptions } from '../../src/relay/open-relay.ts';
import { createRelayPorts } from '../../src/relay/relay-ports.ts';

const two = [
  { address: '10.244.1.1', port: 8080 },
  { address: '10.244.2.1', port: 8080 },
];

function webPort(port: number, target: Partial<LocalhostTarget> = {}): LocalhostPort {
  const web = { namespace: 'shop', name: 'web', portName: 'http', affinitySeconds: 0, endpoints: two };
  return { family: 'ip', port, target: { ...web, ...target } };
}

function gone(port: number): LocalhostPort {
  return { family: 'ip', port, target: undefined };
}

/** Ports whose relays are not real, and what became of them. */
function startPorts() {
  const open = new Map<string, RelayOptions>();
  const taken = new Set<number>();
  const told: string[] = [];
  let [time, random] = [0, 0];
  const ports = createRelayPorts({
    open: async (options) => {
      const place = endpointText(options);
      if (taken.has(options.port) || open.has(place)) {
        throw new Error(`${place} is taken`);
      }
      open.set(place, options);
      return { close: () => open.delete(place) };
    },
    now: () => time,
    random: () => random,
    onFailure: ({ port, reason, attempts }) => told.push(`${port} failed ${attempts}: ${reason}`),
    onRecovery: ({ port, attempts }) => told.push(`${port} open after ${attempts}`),
    onCount: (family, count) => told.push(`${family} ${count}`),
  });
  return {
    told,
    taken,
    sync: async (...changes: readonly LocalhostPort[]) => {
      ports.sync(changes);
      await settle();
    },
    retry: async () => {
      ports.retry();
      await settle();
    },
    ports,
    places: () => [...open.keys()],
    pick: (place: string) => open.get(place)?.pick()?.address,
    set: (values: { readonly time?: number; readonly random?: number }) => {
      time = values.time ?? time;
      random = values.random ?? random;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    await Promise.resolve();
  }
}

describe('node ports at loopback addresses', () => {
  test('are open while they have endpoints, at one address of their family', async () => {
    const { sync, places, told } = startPorts();
    await sync(webPort(30_080), { ...webPort(30_081), family: 'ip6' });
    expect(places()).toEqual(['127.0.0.1:30080', '[::1]:30081']);
    await sync(gone(30_080), gone(30_099));
    expect(places()).toEqual(['[::1]:30081']);
    expect(told).toEqual(['ip 1', 'ip6 1', 'ip 0']);
  });

  test('lead to endpoints at random, and stay open when these change', async () => {
    const { sync, pick, set, told } = startPorts();
    await sync(webPort(30_080));
    expect(pick('127.0.0.1:30080')).toBe('10.244.1.1');
    set({ random: 0.99 });
    expect(pick('127.0.0.1:30080')).toBe('10.244.2.1');
    await sync(webPort(30_080, { endpoints: two.slice(0, 1) }));
    expect(pick('127.0.0.1:30080')).toBe('10.244.1.1');
    expect(told).toEqual(['ip 1']);
  });

  test('keep to an endpoint with affinity, for its time after the last connection', async () => {
    const { sync, pick, set } = startPorts();
    await sync(webPort(30_080, { affinitySeconds: 10 }));
    expect(pick('127.0.0.1:30080')).toBe('10.244.1.1');
    set({ random: 0.99, time: 9_999 });
    expect(pick('127.0.0.1:30080')).toBe('10.244.1.1');
    set({ time: 19_998 });
    expect(pick('127.0.0.1:30080')).toBe('10.244.1.1');
    set({ time: 29_998 });
    expect(pick('127.0.0.1:30080')).toBe('10.244.2.1');
    await sync(webPort(30_080, { affinitySeconds: 10, endpoints: two.slice(0, 1) }));
    expect(pick('127.0.0.1:30080')).toBe('10.244.1.1');
  });

  test('are opened again for another Service', async () => {
    const { sync, places, told } = startPorts();
    await sync(webPort(30_080));
    await sync(webPort(30_080, { name: 'xml' }));
    expect(places()).toEqual(['127.0.0.1:30080']);
    expect(told).toEqual(['ip 1', 'ip 0', 'ip 1']);
  });

  test('are tried again when they cannot be opened, and not once they are gone', async () => {
    const { sync, retry, places, taken, told } = startPorts();
    taken.add(30_080).add(30_081);
    await sync(webPort(30_080), webPort(30_081));
    await retry();
    await sync(gone(30_081));
    taken.clear();
    await retry();
    expect(places()).toEqual(['127.0.0.1:30080']);
    expect(told).toEqual([
      '30080 failed 1: 127.0.0.1:30080 is taken',
      '30081 failed 1: 127.0.0.1:30081 is taken',
      '30080 failed 2: 127.0.0.1:30080 is taken',
      '30081 failed 2: 127.0.0.1:30081 is taken',
      'ip 1',
      '30080 open after 3',
    ]);
  });

  test('are closed at the end, also those that were just being opened, and stay so', async () => {
    const { ports, sync, places } = startPorts();
    await sync(webPort(30_080));
    ports.sync([webPort(30_081)]);
    ports.close();
    await settle();
    await sync(webPort(30_082));
    expect(places()).toEqual([]);
  });
});
