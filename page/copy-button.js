// @ts-check
import { makeElement, makeSvg } from './make-element.js';

/** Pixels on each side of a button that copies. */
export const copySize = 18;

/**
 * A button in a diagram that copies a command.
 *
 * @param {{ x: number, y: number }} at its left side and its middle
 * @param {string} command
 * @param {(command: string) => void} onCopy
 */
export function makeCopyButton({ x, y }, command, onCopy) {
  const top = y - copySize / 2;
  const button = makeSvg(
    'g',
    { class: 'copy', role: 'button', tabindex: 0, 'aria-label': `Copy: ${command}` },
    makeSvg('rect', { x, y: top, width: copySize, height: copySize, rx: 4 }),
    makeSvg('path', { d: `M${x + 6.5} ${top + 6.5}v-2h7v8h-2M${x + 4.5} ${top + 6.5}h7v8h-7z` }),
    makeSvg('title', {}, `copy: ${command}`),
  );
  button.addEventListener('click', () => onCopy(command));
  button.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onCopy(command);
    }
  });
  return button;
}

/** A line at the bottom of the page that says what was copied. */
export function makeCopyStatus() {
  const status = makeElement('div', { class: 'copied', role: 'status' });
  let timer = 0;
  const say = (/** @type {string} */ text) => {
    status.textContent = text;
    status.classList.add('shown');
    clearTimeout(timer);
    timer = setTimeout(() => status.classList.remove('shown'), 6_000);
  };
  const copy = async (/** @type {string} */ command) => {
    say((await writeClipboard(command)) ? `copied: ${command}` : `copy this: ${command}`);
  };
  return { status, copy };
}

/**
 * Whether a text is in the clipboard now. Browsers may refuse, and some offer no clipboard to pages from a file.
 *
 * @param {string} text
 */
async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
