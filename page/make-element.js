// @ts-check

const svgNamespace = 'http://www.w3.org/2000/svg';

/** Compares names in natural order: `web-9` before `web-10`. */
export const compareNames = new Intl.Collator('en', { numeric: true }).compare;

/** @typedef {Record<string, string | number | boolean>} Attributes false leaves an attribute out, true gives it an empty value. */

/**
 * A new HTML element. Texts become text nodes, so the input is never read as markup.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function makeElement(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/**
 * The same for SVG.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} attributes
 * @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(svgNamespace, tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/**
 * A button that looks like a link.
 *
 * @param {string} text
 * @param {() => void} onPress
 * @param {Attributes} [attributes]
 */
export function makeLink(text, onPress, attributes = {}) {
  const button = makeElement('button', { type: 'button', class: 'link', ...attributes }, text);
  button.addEventListener('click', onPress);
  return button;
}

/**
 * `1 Service`, `1,200 Services`.
 *
 * @param {number} number
 * @param {string} noun
 */
export function countText(number, noun) {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** How many characters of a name are shown. */
const mostShown = 60;

/**
 * A name as the page shows it: long ones lose their middle, as in src/inspect/graph/drawing.ts.
 *
 * @param {string} name
 */
export function shortenName(name) {
  const characters = [...name];
  return characters.length <= mostShown
    ? name
    : `${characters.slice(0, 39).join('')}…${characters.slice(-20).join('')}`;
}

/**
 * @param {Element} element
 * @param {Attributes} attributes
 */
function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}
