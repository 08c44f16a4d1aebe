import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BrowserPage, openPage } from '../../support/chromium.ts';

/** A browser that shows pictures. */
export interface OpenedPicture extends Pick<BrowserPage, 'send' | 'evaluate' | 'close'> {
  /** Shows an SVG in a new document, and waits until it is drawn. */
  readonly show: (svg: string) => Promise<void>;
}

/** Opens a browser without a picture. */
export async function openPicture(): Promise<OpenedPicture> {
  const { send, evaluate, close } = await openPage();
  const folder = mkdtempSync(join(tmpdir(), 'svc2nft-svg-'));
  const file = join(folder, 'graph.svg');
  return {
    send,
    evaluate,
    show: async (svg) => {
      writeFileSync(file, svg);
      await send('Page.navigate', { url: 'about:blank' });
      await send('Page.navigate', { url: pathToFileURL(file).href });
      await evaluate(
        `new Promise((done) => { const look = () => (document.readyState === 'complete' && document.querySelector('text') ? done() : setTimeout(look, 10)); look(); })`,
      );
    },
    close: async () => {
      await close();
      rmSync(folder, { recursive: true });
    },
  };
}
