import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeGraphPage } from '../../../src/cli/output/write-pages.ts';
import type { Graph } from '../../../src/inspect/graph/graph.ts';
import type { PageContent } from '../../../src/inspect/graph/write-page.ts';
import { type BrowserMessage, type BrowserPage, openPage } from '../../support/chromium.ts';

/** The page of a graph in a browser. */
export interface OpenedGraph extends BrowserPage {
  readonly url: string;
  /** Goes to a part of the page, `#search=web`, and waits until it is drawn. */
  readonly goTo: (hash: string) => Promise<void>;
  /** The texts of all elements that a selector finds. */
  readonly textsOf: (selector: string) => Promise<string[]>;
  /** Presses a key: `a`, `ArrowDown`, `Enter`. */
  readonly press: (key: string) => Promise<void>;
}

/** Writes the page of a graph to a file and opens it. */
export async function openGraph(graph: Graph, content: Partial<PageContent> = {}): Promise<OpenedGraph> {
  const explain = 'svc2nft explain dump.yaml --node worker-1';
  const html = await writeGraphPage({ source: 'dump.yaml', graphs: [{ graph, explain }], otherNodes: 0, ...content });
  const page = await openPage();
  const folder = mkdtempSync(join(tmpdir(), 'svc2nft-graph-'));
  const url = pathToFileURL(join(folder, 'graph.html')).href;
  writeFileSync(join(folder, 'graph.html'), html);
  const opened: OpenedGraph = {
    ...page,
    url,
    goTo: async (hash) => {
      // A new document each time: what one test did to the page is gone.
      await page.send('Page.navigate', { url: 'about:blank' });
      await page.send('Page.navigate', { url: `${url}${hash}` });
      await page.evaluate(
        'new Promise((done) => { const look = () => document.querySelector("#view > *") ? done() : setTimeout(look, 10); look(); })',
      );
    },
    textsOf: async (selector) => {
      const texts = await page.evaluate(
        `[...document.querySelectorAll(${JSON.stringify(selector)})].map((element) => element.textContent)`,
      );
      return texts as string[];
    },
    press: async (key) => {
      const text = key.length === 1 ? { text: key } : {};
      const which = { key, ...text, windowsVirtualKeyCode: keyCodes[key] ?? key.toUpperCase().charCodeAt(0) };
      await page.send('Input.dispatchKeyEvent', { type: 'keyDown', ...which });
      await page.send('Input.dispatchKeyEvent', { type: 'keyUp', ...which });
    },
    close: async () => {
      await page.close();
      rmSync(folder, { recursive: true });
    },
  };
  return opened;
}

const keyCodes: Readonly<Record<string, number>> = { Enter: 13, Escape: 27, ArrowUp: 38, ArrowDown: 40, End: 35 };

/** Everything that the page asked for, by address, but for itself and what its own policy held back. */
export function requestedBy({ events, url }: Pick<OpenedGraph, 'events' | 'url'>): string[] {
  const heldBack = new Set(
    events.flatMap(({ method, params }) =>
      method === 'Network.loadingFailed' && params?.['blockedReason'] === 'csp' ? params['requestId'] : [],
    ),
  );
  return events
    .filter(({ method, params }) => method === 'Network.requestWillBeSent' && !heldBack.has(params?.['requestId']))
    .map(({ params }) => (params as { request: { url: string } }).request.url)
    .filter((requested) => !requested.startsWith(url) && requested !== 'about:blank');
}

/** What the page threw or the browser complained about. */
export function complaintsOf({ events }: Pick<BrowserPage, 'events'>): BrowserMessage[] {
  return events.filter(({ method }) => method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded');
}
