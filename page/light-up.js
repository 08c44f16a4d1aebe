// @ts-check

/**
 * An element that lights up together with those that share a route with it.
 *
 * @typedef {{ element: SVGElement, routes: readonly number[], group: string }} Part parts of one group are one thing
 */

/**
 * Lights up the element under the pointer or focus, with everything that its connections pass.
 *
 * @param {SVGSVGElement} svg
 * @param {readonly Part[]} parts
 */
export function lightUp(svg, parts) {
  const show = (/** @type {Event} */ { target }) => {
    const box = target instanceof Element ? target.closest('.box, .arrow') : null;
    const part = parts.find(({ element }) => element === box);
    svg.classList.toggle('lit', part !== undefined);
    for (const other of part ? parts : []) {
      other.element.classList.toggle('on', part !== undefined && isWith(other, part));
    }
  };
  svg.addEventListener('pointerover', show);
  svg.addEventListener('focusin', show);
  svg.addEventListener('pointerleave', () => svg.classList.remove('lit'));
  svg.addEventListener('focusout', () => svg.classList.remove('lit'));
}

/**
 * The group of a frontend.
 *
 * @param {number} index
 */
export function frontendGroup(index) {
  return `frontend ${index}`;
}

/**
 * The group of a refusal or an endpoint.
 *
 * @param {import('./stack-ends.js').RefusalBox | import('./stack-ends.js').EndpointBox} box
 */
export function endGroup(box) {
  return 'endpoint' in box ? `endpoint ${box.endpoint.endpointAddress}` : `refusal ${box.route}`;
}

/**
 * Two parts of one column belong together only if they are the same.
 *
 * @param {Part} one
 * @param {Part} other
 */
function isWith(one, other) {
  if (one.group === other.group) {
    return true;
  }
  const isFrontend = ({ group }) => group.startsWith('frontend ');
  return isFrontend(one) !== isFrontend(other) && one.routes.some((route) => other.routes.includes(route));
}
