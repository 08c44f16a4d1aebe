import { describeValue, listWords } from '../describe-value.ts';
import type { Diagnostic } from '../diagnostics.ts';
import type { CompileOptions } from '../options.ts';
import {
  addressProblem,
  cidrProblem,
  detectLocalModes,
  interfaceNameProblem,
  isMarkBit,
  nodeNameProblem,
  nodePortAddressProblem,
  tableNameProblem,
} from './value-problems.ts';

/**
 * What is wrong with options that a program gave; those of the command line and of a configuration file were checked
 * where they came in. Some end up in nft text, so none is trusted.
 */
export function checkOptions(options: CompileOptions): Diagnostic[] {
  const mistyped = optionNames.filter((name) => options[name] !== undefined && !isTyped(options[name], name));
  if (mistyped.length > 0) {
    return mistyped.map((name) => invalidOption(name, `${describeValue(options[name])} is not of its type`));
  }
  return problemsOf(options).flatMap(([name, problem]) =>
    problem === undefined ? [] : [invalidOption(name, problem)],
  );
}

function invalidOption(name: keyof CompileOptions, problem: string): Diagnostic {
  return { code: 'invalid-option', message: `${name}: ${problem}` };
}

/** Programs in JavaScript have no compiler that would tell them. */
function isTyped(value: unknown, name: keyof CompileOptions): boolean {
  const type = optionTypes[name];
  return type === 'texts'
    ? Array.isArray(value) && value.every((entry) => typeof entry === 'string')
    : typeof value === type;
}

const optionTypes: Readonly<Record<keyof CompileOptions, 'string' | 'number' | 'boolean' | 'texts'>> = {
  nodeName: 'string',
  nodeAddresses: 'texts',
  bindAddress: 'string',
  zone: 'string',
  families: 'texts',
  table: 'string',
  detectLocalMode: 'string',
  clusterCIDRs: 'texts',
  detectLocalInterface: 'string',
  nodePortAddresses: 'texts',
  masqueradeAll: 'boolean',
  masqueradeBit: 'number',
  keepGoing: 'boolean',
  targetNft: 'string',
};

const optionNames = Object.keys(optionTypes) as (keyof CompileOptions)[];

function problemsOf(options: CompileOptions): [keyof CompileOptions, string | undefined][] {
  const { nodeName, bindAddress, masqueradeBit, detectLocalMode, detectLocalInterface } = options;
  const isInterfaceMode = detectLocalMode === 'BridgeInterface' || detectLocalMode === 'InterfaceNamePrefix';
  return [
    ['nodeName', nodeName === undefined ? undefined : nodeNameProblem(nodeName)],
    ['bindAddress', bindAddress === undefined ? undefined : addressProblem(bindAddress)],
    ['nodeAddresses', firstProblem(options.nodeAddresses, addressProblem)],
    ['clusterCIDRs', firstProblem(options.clusterCIDRs, cidrProblem)],
    ['families', familiesProblem(options.families)],
    ['detectLocalMode', wordProblem(detectLocalMode, detectLocalModes)],
    ['targetNft', wordProblem(options.targetNft, nftVersions)],
    ['nodePortAddresses', firstProblem(options.nodePortAddresses, nodePortAddressProblem)],
    ['table', tableNameProblem(options.table)],
    ['detectLocalInterface', isInterfaceMode ? interfaceNameProblem(detectLocalInterface) : undefined],
    ['masqueradeBit', isMarkBit(masqueradeBit) ? undefined : `${masqueradeBit} is no bit of the mark: 0 to 31`],
  ];
}

const nftVersions = ['1.0.6', '1.1.3'];

function familiesProblem(families: readonly string[]): string | undefined {
  const isEach = families.every((family) => family === 'ip' || family === 'ip6');
  const isOnce = families.length > 0 && new Set(families).size === families.length;
  return isEach && isOnce ? undefined : `${describeValue(families)} is no choice of ip and ip6`;
}

function wordProblem(word: string, possible: readonly string[]): string | undefined {
  return possible.includes(word) ? undefined : `${describeValue(word)} is none of ${listWords(possible)}`;
}

function firstProblem(texts: readonly string[], problemOf: (text: string) => string | undefined): string | undefined {
  return texts.map(problemOf).find((problem) => problem !== undefined);
}
