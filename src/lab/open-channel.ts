import type { Readable, Writable } from 'node:stream';
import { isMapping, type Mapping } from '../lib/unknown-values.ts';

/** What each side of a channel can be asked for, by name; an error is told to the one who asks. */
export type Handlers = Readonly<Record<string, (parameter: never) => unknown>>;

/** Two processes that ask each other for things, with a line of JSON for each question and each answer. */
export interface Channel {
  /** Asks the other side. @throws Error with what the other side says, or when the channel ends before it has answered. */
  ask(name: string, parameter?: unknown): Promise<unknown>;
  /** Resolves when the other side is gone. */
  readonly ended: Promise<void>;
  /** Says nothing more. */
  close(): void;
}

/** The streams between two processes. */
export interface ChannelStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** What waits for an answer. */
interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Opens one side of a channel, which answers by these handlers. */
export function openChannel({ input, output }: ChannelStreams, handlers: Handlers = {}): Channel {
  const waiting = new Map<number, Waiting>();
  let count = 0;
  let isEnded = false;
  let pending = '';
  const send = (message: object): void => {
    output.write(`${JSON.stringify(message)}\n`);
  };
  const answer = async (id: unknown, name: string, parameter: unknown): Promise<void> => {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
      if (!handler) {
        throw new Error(`unknown question ${name}`);
      }
      send({ answers: id, value: await handler(parameter as never) });
    } catch (error) {
      send({ answers: id, error: error instanceof Error ? error.message : String(error) });
    }
  };
  const take = (line: string): void => {
    const message = parseMessage(line);
    if (!message) {
      return;
    }
    if (typeof message['ask'] === 'string') {
      void answer(message['id'], message['ask'], message['parameter']);
      return;
    }
    const found = waiting.get(Number(message['answers']));
    waiting.delete(Number(message['answers']));
    if (typeof message['error'] === 'string') {
      found?.reject(new Error(message['error']));
    } else {
      found?.resolve(message['value']);
    }
  };
  input.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    lines.forEach(take);
  });
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isEnded = true;
      for (const { reject } of waiting.values()) {
        reject(new Error('the other process has ended'));
      }
      waiting.clear();
      resolve();
    };
    input.once('end', end).once('close', end).once('error', end);
  });
  return {
    ended,
    close: () => output.end(),
    ask: (name, parameter) =>
      new Promise((resolve, reject) => {
        if (isEnded) {
          reject(new Error('the other process has ended'));
          return;
        }
        count += 1;
        waiting.set(count, { resolve, reject });
        send({ id: count, ask: name, parameter });
      }),
  };
}

/** Undefined for a line that is not a message, which is ignored. */
function parseMessage(line: string): Mapping | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return isMapping(message) ? message : undefined;
  } catch {
    return undefined;
  }
}
