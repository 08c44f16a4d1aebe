// @ts-check
/**
 * `measure-changes.js SERVICES`, started by start-process.js: an engine, and a namespace that holds what it says. Its
 * changes give two times: `engine.update` alone, and until nft has returned.
 */
import { createEngine } from '../dist/index.js';
import { answerChanges } from './contestants/start-process.js';
import { generateCluster } from './generate-cluster.js';
import { compileOptions } from './layouts/write-ruleset.js';
import { changeSlice } from './tools/edit-slice.js';
import { openNamespace } from './tools/open-namespace.js';
import { timeUpdate } from './tools/time-update.js';

const [services = 0] = process.argv.slice(2).map(Number);
const { items } = generateCluster({ services, endpoints: 10, affinity: false });
const engine = createEngine(compileOptions);
const node = await openNamespace();
timeUpdate(engine, node, { apply: items, complete: true });
answerChanges((number) => timeUpdate(engine, node, { apply: [changeSlice(items, number).slice] }), node.close);
