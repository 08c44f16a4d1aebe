import { parseSync } from 'rolldown/utils';

/** The module and all blocks and arrow functions in it, in the order of the text: what runs together, or not at all. */
export function listBlocks(code) {
  const { program } = parseSync('module.ts', code);
  const blocks = [{ start: 0, end: code.length, isExpression: false }];
  walk(program, ({ type, start, end, body }) => {
    if (type === 'BlockStatement') {
      blocks.push({ start, end, isExpression: false });
    }
    if (type === 'ArrowFunctionExpression' && body.type !== 'BlockStatement') {
      blocks.push({ start: body.start, end: body.end, isExpression: true });
    }
  });
  return blocks.sort((a, b) => a.start - b.start || b.end - a.end);
}

function walk(node, visit) {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') {
        walk(child, visit);
      }
    }
  }
}

/** The number of the innermost block that has all of a mutant. */
export function blockOf(blocks, { start, end }) {
  return blocks.findLastIndex((block) => block.start <= start && end <= block.end);
}

/** The code with `globalThis.blocksRun[NUMBER] = 1` in each block, counted from `first`. */
export function recordBlocks(code, first) {
  const insertions = listBlocks(code).flatMap(({ start, end, isExpression }, index) => {
    const record = `globalThis.blocksRun[${first + index}] = 1`;
    if (isExpression) {
      return [
        { at: start, text: `(${record}, ` },
        { at: end, text: ')' },
      ];
    }
    return [{ at: index === 0 ? 0 : start + 1, text: `${record};` }];
  });
  let recorded = '';
  let done = 0;
  for (const { at, text } of insertions.sort((a, b) => a.at - b.at)) {
    recorded += code.slice(done, at) + text;
    done = at;
  }
  return recorded + code.slice(done);
}
