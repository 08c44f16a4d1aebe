import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { mustRun } from './must-run.ts';

/** Whether tests in a browser run. Where CI is set they always do, and fail where there is none. */
export const browserTestsRun: boolean = hasChromium() || mustRun();

if (!browserTestsRun) {
  console.warn('tests in a browser are skipped: chromium is not installed');
}

/** A message of the DevTools protocol (chromedevtools.github.io/devtools-protocol). */
export interface BrowserMessage {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** One page in a browser of its own. */
export interface BrowserPage {
  /** Sends a command of the protocol to the page; resolves to its result. */
  readonly send: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>;
  /** The value of an expression in the page, which may be a promise; what it throws is thrown. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** All events of the page so far. */
  readonly events: readonly BrowserMessage[];
  readonly close: () => Promise<void>;
}

/** Starts a browser with one empty page, which reports its requests and what it throws. */
export async function openPage(): Promise<BrowserPage> {
  const profile = mkdtempSync(join(tmpdir(), 'svc2nft-chromium-'));
  const browser = spawn('chromium', [...flags, `--user-data-dir=${profile}`, '--window-size=1300,900'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => {
    browser.once('exit', () => resolve());
    browser.once('error', () => resolve());
  });
  let leave: () => Promise<unknown> = async () => browser.kill('SIGKILL');
  const close = async (): Promise<void> => {
    const late = setTimeout(() => browser.kill('SIGKILL'), 5_000);
    await leave().catch(() => undefined);
    await ended;
    clearTimeout(late);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const page = await connect(browser, ended);
    leave = () => page.send('Browser.close');
    return { ...page, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-pipe',
];

type Waiting = (message: BrowserMessage) => void;

async function connect(browser: ChildProcess, ended: Promise<void>): Promise<Omit<BrowserPage, 'close'>> {
  const [, , , toBrowser, fromBrowser] = browser.stdio as [null, null, null, Writable, Readable];
  const waiting = new Map<number, Waiting>();
  const events: BrowserMessage[] = [];
  readMessages(fromBrowser, (message) => {
    (waiting.get(message.id ?? 0) ?? ((event) => events.push(event)))(message);
  });
  toBrowser.on('error', () => undefined);
  let last = 0;
  const call = async (method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> => {
    last += 1;
    const id = last;
    const answer = new Promise<BrowserMessage>((resolve) => waiting.set(id, resolve));
    toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const message = await Promise.race([answer, ended]);
    if (!message || message.error) {
      throw new Error(`${method}: ${message?.error?.message ?? 'the browser has ended, or could not be started'}`);
    }
    return { ...message.result };
  };
  const { targetId } = await call('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true });
  const send: BrowserPage['send'] = (method, params = {}) => call(method, params, String(sessionId));
  for (const domain of ['Page', 'Runtime', 'Network', 'Log']) {
    await send(`${domain}.enable`);
  }
  return { send, evaluate: (expression) => evaluate(expression, send), events };
}

async function evaluate(expression: string, send: BrowserPage['send']): Promise<unknown> {
  const { result, exceptionDetails } = await send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) {
    throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
  }
  return (result as { readonly value?: unknown }).value;
}

/** Messages are JSON, each with a zero byte after it. */
function readMessages(stream: Readable, onMessage: (message: BrowserMessage) => void): void {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (text + chunk).split('\0');
    text = parts.pop() ?? '';
    for (const part of parts) {
      onMessage(JSON.parse(part) as BrowserMessage);
    }
  });
}

function hasChromium(): boolean {
  try {
    execFileSync('chromium', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
