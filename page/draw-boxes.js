// @ts-check
import { endGroup, frontendGroup } from './light-up.js';
import { makeSvg } from './make-element.js';
import { linesOfPort, noteOfFrontend, refusedAt, titleOfGroup } from './port-texts.js';
import { sizes } from './sizes.js';

/**
 * @typedef {import('./stack-ends.js').Box} Box
 * @typedef {import('./light-up.js').Part} Part
 */

/**
 * A frontend: its kind, its address, and who may use it.
 *
 * @param {import('./lay-out-port.js').FrontendBox} box
 * @param {{ index: number, port: import('./unpack-graph.js').Port }} context
 * @param {Part[]} parts
 */
export function drawFrontend(box, { index, port }, parts) {
  const { frontend, x, y } = box;
  const { kind, address, heldBy, sourceRanges, routes } = frontend;
  const note = noteOfFrontend(frontend);
  const refused = refusedAt(frontend, port);
  const element = makeSvg(
    'g',
    {
      class: `box frontend${routes.length === 0 ? ' taken' : ''}${refused === '' ? '' : ' refused'}`,
      tabindex: 0,
      role: 'img',
    },
    drawFrame(box),
    makeSvg('text', { x: x + 11, y: y + 18, class: 'muted' }, kind),
    makeSvg('text', { x: x + 11, y: y + 35, class: 'mono' }, address),
    ...(note === '' ? [] : [makeSvg('text', { x: x + 11, y: y + 51, class: 'muted' }, note)]),
    ...(refused === '' ? [] : [makeSvg('text', { x: x + 11, y: y + box.height - 9, class: 'refused-note' }, refused)]),
    makeSvg(
      'title',
      {},
      [
        `${kind} ${address}`,
        ...(refused === '' ? [] : [refused]),
        ...(heldBy === '' ? [] : [heldBy]),
        ...(sourceRanges ?? []),
      ].join('\n'),
    ),
  );
  element.setAttribute('aria-label', [`${kind} ${address}`, note, refused].filter(Boolean).join(', '));
  parts.push({ element, routes, group: frontendGroup(index) });
  return element;
}

/**
 * The service port in the middle.
 *
 * @param {import('./unpack-graph.js').Port} port
 * @param {Box} box
 */
export function drawPortBox(port, box) {
  const lines = linesOfPort(port);
  const top = box.y + box.height / 2 - (lines.length - 1) * 8.5 + 4;
  const texts = lines.map((line, index) => {
    const at = { x: box.x + box.width / 2, y: top + index * 17 };
    return makeSvg('text', { ...at, class: index === 0 ? 'strong' : 'mono' }, line);
  });
  return makeSvg('g', { class: 'box port' }, drawFrame(box), ...texts);
}

/**
 * The refusal of clients that no endpoint may take.
 *
 * @param {import('./stack-ends.js').RefusalBox} box
 * @param {Part[]} parts
 */
export function drawRefusal(box, parts) {
  const { x, y, lines, shares, route } = box;
  const element = makeSvg(
    'g',
    { class: 'box refusal', tabindex: 0, role: 'img', 'aria-label': [...shares, ...lines].join(' ') },
    drawFrame(box),
    ...lines.map((line, index) =>
      makeSvg(
        'text',
        { x: x + 11, y: y + 20 + index * sizes.refusalLine, class: index === 0 ? 'strong' : 'why' },
        line,
      ),
    ),
  );
  parts.push({ element, routes: [route], group: endGroup(box) });
  return element;
}

/**
 * An endpoint with its pod; pressing it finds all Services of its address.
 *
 * @param {import('./stack-ends.js').EndpointBox} box
 * @param {Part[]} parts
 * @param {(address: string) => void} onEndpoint
 */
export function drawEndpoint(box, parts, onEndpoint) {
  const { endpoint, shares } = box;
  const { endpointAddress, pod, place, state, leftOut, routes } = endpoint;
  const classes = ['box', 'endpoint', ...(place.isHere ? ['here'] : []), ...(leftOut === '' ? [] : ['left-out'])];
  const words = [endpointAddress, pod, `${state}: ${shares.join(', ')}`];
  const element = makeSvg(
    'g',
    { class: classes.join(' '), tabindex: 0, role: 'button' },
    drawFrame(box),
    makeSvg('text', { x: box.x + 11, y: box.textY, class: 'mono' }, endpointAddress),
    makeSvg('text', { x: box.podX, y: box.podY, class: 'muted' }, box.pod),
    makeSvg('title', {}, [...words, 'press to find all Services of this address'].join('\n')),
  );
  element.setAttribute('aria-label', `${words.join(', ')}. Find all Services of this address`);
  onPress(element, () => onEndpoint(endpointAddress.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')));
  parts.push({ element, routes, group: endGroup(box) });
  return element;
}

/**
 * The frame of a zone or a node with its title, which is a button if `press` is given.
 *
 * @param {import('./stack-ends.js').GroupBox} box
 * @param {'zone' | 'node'} kind
 * @param {(() => void) | undefined} press
 */
export function drawGroup(box, kind, press) {
  const { x, y, name, isHere } = box;
  const words = titleOfGroup(box, kind);
  const isCut = !words.includes(name);
  const title = makeSvg('text', { x: x + 10, y: y + 16, class: 'title' }, words);
  if (press) {
    title.setAttribute('tabindex', '0');
    title.setAttribute('role', 'button');
    title.setAttribute('aria-label', `${words}. List the Services with endpoints here`);
    title.append(makeSvg('title', {}, `${isCut ? `${name}\n` : ''}press to list the Services with endpoints here`));
    onPress(title, press);
  } else if (isCut) {
    title.append(makeSvg('title', {}, name));
  }
  return makeSvg('g', { class: `group ${kind}${isHere ? ' here' : ''}` }, drawFrame(box), title);
}

/** @param {Box} box */
function drawFrame({ x, y, width, height }) {
  return makeSvg('rect', { x, y, width, height, rx: 6 });
}

/**
 * @param {SVGElement} element
 * @param {() => void} press
 */
function onPress(element, press) {
  element.addEventListener('click', press);
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      press();
    }
  });
}
