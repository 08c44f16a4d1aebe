import { parseSync } from 'rolldown/utils';

/**
 * All single faults that can be planted in a module, in the order of the text. Types, imports, templates (which are mostly
 * messages), and what is thrown are left alone.
 */
export function listMutants(code) {
  const { program, errors } = parseSync('module.ts', code);
  if (errors.length > 0) {
    throw new Error(errors[0].message);
  }
  const mutants = [];
  const textOf = ({ start, end }) => code.slice(start, end);
  const plant = (operator, { start, end }, replacement) => mutants.push({ operator, start, end, replacement });
  walk(program, undefined, (node, parent) => operators[node.type]?.(node, { plant, textOf, parent }));
  return mutants.sort((a, b) => a.start - b.start || a.end - b.end);
}

const untouched = /^(Import|ExportAll|Throw|Template|TaggedTemplate|TS)/;
/** The only parts of TypeScript that have a value. */
const wrappers = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression']);

function walk(node, parent, visit) {
  if (wrappers.has(node.type)) {
    walk(node.expression, parent, visit);
    return;
  }
  if (untouched.test(node.type) || isInvariant(node)) {
    return;
  }
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') {
        walk(child, node, visit);
      }
    }
  }
}

/** `invariant(condition, message)` holds in every run that has no bug. */
function isInvariant({ type, expression }) {
  return type === 'ExpressionStatement' && expression.callee?.name === 'invariant';
}

const comparisons = { '===': '!==', '!==': '===', '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const sums = { '+': '-', '-': '+', '*': '/', '/': '*' };
const connectives = { '&&': '||', '||': '&&' };
/** Methods that only narrow or order, and can be left out. */
const narrowing = new Set([
  'filter',
  'slice',
  'sort',
  'toSorted',
  'reverse',
  'toReversed',
  'trim',
  'trimEnd',
  'trimStart',
]);
const opposites = { some: 'every', every: 'some', startsWith: 'endsWith', min: 'max', max: 'min', find: 'findLast' };
const judging = new Set(['filter', 'some', 'every', 'find', 'findIndex', 'findLast']);

/** What is planted at each kind of node. */
const operators = {
  IfStatement(node, { plant, textOf }) {
    negate(node.test, { plant, textOf });
    if (!node.alternate) {
      plant('drop the statement', node, ';');
    }
  },
  ConditionalExpression: ({ test }, context) => negate(test, context),
  WhileStatement: ({ test }, { plant }) => plant('never loop', test, 'false'),
  ForOfStatement: (node, { plant }) => plant('drop the statement', node, ';'),
  ExpressionStatement(node, { plant }) {
    if (node.expression.type !== 'Literal') {
      plant('drop the statement', node, ';');
    }
  },
  ReturnStatement(node, { plant }) {
    if (node.argument && node.argument.type !== 'Literal' && node.argument.name !== 'undefined') {
      plant('return nothing', node.argument, 'undefined');
    }
  },
  LogicalExpression({ left, right, operator, ...node }, { plant, textOf }) {
    plant(
      `${operator} swapped`,
      node,
      operator === '??' ? `(${textOf(left)})` : `((${textOf(left)}) ${connectives[operator]} (${textOf(right)}))`,
    );
  },
  BinaryExpression({ left, right, operator, ...node }, { plant, textOf }) {
    const isText = [left, right].some(({ type, value }) => type === 'TemplateLiteral' || typeof value === 'string');
    const other = comparisons[operator] ?? (isText ? undefined : sums[operator]);
    if (other) {
      plant(`${operator} swapped`, node, `(${textOf(left)} ${other} ${textOf(right)})`);
    }
  },
  UnaryExpression({ operator, argument, ...node }, { plant, textOf }) {
    if (operator === '!' || operator === '-') {
      plant(`${operator} left out`, node, `(${textOf(argument)})`);
    }
  },
  Literal(node, { plant, parent }) {
    const { value } = node;
    if (typeof value === 'boolean') {
      plant('the other truth value', node, String(!value));
    } else if (Number.isInteger(value)) {
      plant('off by one', node, String(value + 1));
    } else if (typeof value === 'string' && isCode(node, parent)) {
      plant('empty string', node, "''");
    }
  },
  ArrayExpression(node, { plant }) {
    if (node.elements.length > 0) {
      plant('empty array', node, '[]');
    }
  },
  SpreadElement({ argument }, { plant, parent }) {
    plant('empty spread', argument, parent.type === 'ObjectExpression' ? '{}' : '[]');
  },
  CallExpression: changeCall,
};

function negate(test, { plant, textOf }) {
  plant('negated condition', test, `!(${textOf(test)})`);
}

/** A word that a function returns or an object holds; sentences are messages, and keys are not values. */
function isCode({ value, start }, parent) {
  const isReturned = ['ReturnStatement', 'ConditionalExpression', 'ArrowFunctionExpression'].includes(parent.type);
  const isProperty = parent.type === 'Property' && parent.value.start === start;
  return value !== '' && !value.includes(' ') && (isReturned || isProperty);
}

function changeCall(node, { plant, textOf }) {
  const { callee, arguments: given } = node;
  const name = callee.type === 'MemberExpression' ? callee.property.name : undefined;
  if (name === undefined) {
    return;
  }
  if (narrowing.has(name)) {
    plant(`${name} left out`, node, textOf(callee.object));
  }
  if (Object.hasOwn(opposites, name)) {
    plant(`${name} swapped`, callee.property, opposites[name]);
  }
  const [judge] = given;
  if (judging.has(name) && judge?.type === 'ArrowFunctionExpression' && judge.body.type !== 'BlockStatement') {
    plant('negated condition', judge.body, `!(${textOf(judge.body)})`);
  }
}
