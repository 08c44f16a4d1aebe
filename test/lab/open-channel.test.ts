import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { type Channel, type Handlers, openChannel } from '../../src/lab/open-channel.ts';

interface Pair {
  readonly asking: Channel;
  readonly answering: Channel;
  /** What the asking side reads. */
  readonly input: PassThrough;
}

/** Two sides that are connected; the other one answers by these handlers. */
function connect(handlers: Handlers, own: Handlers = {}): Pair {
  const [input, output] = [new PassThrough(), new PassThrough()];
  return {
    asking: openChannel({ input, output }, own),
    answering: openChannel({ input: output, output: input }, handlers),
    input,
  };
}

describe('a channel', () => {
  test('answers questions, each with its own answer, in any order', async () => {
    const { asking } = connect({
      slow: async (text: string) => {
        await new Promise((resolve) => setImmediate(resolve));
        return `slow ${text}`;
      },
      fast: (text: string) => `fast ${text}`,
    });
    const order: unknown[] = [];
    const answers = ['slow', 'fast'].map((name) => asking.ask(name, 'x').then((answer) => order.push(answer)));
    await Promise.all(answers);
    expect(order).toEqual(['fast x', 'slow x']);
  });

  test('is open to questions of both sides', async () => {
    const { asking, answering } = connect({ name: () => 'one' }, { name: () => 'other' });
    expect(await Promise.all([asking.ask('name'), answering.ask('name')])).toEqual(['one', 'other']);
  });

  test('tells errors to the side that asked', async () => {
    const { asking } = connect({
      fail: () => {
        throw new Error('no such Pod');
      },
    });
    await expect(asking.ask('fail')).rejects.toThrow('no such Pod');
    await expect(asking.ask('toString')).rejects.toThrow('unknown question toString');
  });

  test('reads lines that come in pieces, and ignores those that are not messages', async () => {
    const input = new PassThrough();
    const answer = openChannel({ input, output: new PassThrough() }).ask('anything');
    for (const piece of ['not JSON\n[]\n{"answers":1,"val', 'ue":"whole"}\n']) {
      input.write(piece);
    }
    expect(await answer).toBe('whole');
  });

  test('that ends rejects questions without an answer, and later ones', async () => {
    const { asking, input } = connect({ wait: () => new Promise(() => undefined) });
    const answer = asking.ask('wait');
    input.end();
    await expect(answer).rejects.toThrow('the other process has ended');
    await asking.ended;
    await expect(asking.ask('wait')).rejects.toThrow('the other process has ended');
  });
});
