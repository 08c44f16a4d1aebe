import { escapeControls } from '../escape-controls.ts';
import type { Family } from '../network.ts';
import type { Frontend } from '../report/frontend.ts';

/**
 * Where clients connect to, without blanks: `10.96.0.10:80/tcp`, `[fd00::1]:80/tcp`, `*:30080/tcp`, `[*]:30080/tcp`. A key
 * of a shape that only others write is shown as it is.
 */
export function placeText({ key, frontend }: Frontend, family: Family): string {
  const [protocol, port, ...rest] = key.split(' . ');
  const isNodePort = port !== undefined && rest.length === 0;
  return escapeControls(isNodePort ? `${family === 'ip' ? '*' : '[*]'}:${port}/${protocol}` : frontend);
}
