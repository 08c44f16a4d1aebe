import type { Diagnostic } from '../diagnostics.ts';
import type { CompileOptions } from '../options.ts';
import {
  addressProblem,
  cidrProblem,
  interfaceNameProblem,
  nodeNameProblem,
  nodePortAddressProblem,
  tableNameProblem,
} from './value-problems.ts';

/**
 * What is wrong with options that a program gave; those of the command line and of a configuration file were checked
 * where they came in. Some end up in nft text, so none is trusted.
 */
export function checkOptions(options: CompileOptions): Diagnostic[] {
  const { nodeName, bindAddress, masqueradeBit, detectLocalMode, detectLocalInterface } = options;
  const isInterfaceMode = detectLocalMode === 'BridgeInterface' || detectLocalMode === 'InterfaceNamePrefix';
  const isBit = Number.isInteger(masqueradeBit) && masqueradeBit >= 0 && masqueradeBit <= 31;
  const problems: [keyof CompileOptions, string | undefined][] = [
    ['nodeName', nodeName === undefined ? undefined : nodeNameProblem(nodeName)],
    ['bindAddress', bindAddress === undefined ? undefined : addressProblem(bindAddress)],
    ['nodeAddresses', firstProblem(options.nodeAddresses, addressProblem)],
    ['clusterCIDRs', firstProblem(options.clusterCIDRs, cidrProblem)],
    ['nodePortAddresses', firstProblem(options.nodePortAddresses, nodePortAddressProblem)],
    ['table', tableNameProblem(options.table)],
    ['detectLocalInterface', isInterfaceMode ? interfaceNameProblem(detectLocalInterface) : undefined],
    ['masqueradeBit', isBit ? undefined : `${masqueradeBit} is no bit of the mark: 0 to 31`],
  ];
  return problems.flatMap(([option, problem]) =>
    problem === undefined ? [] : [{ code: 'invalid-option', message: `${option}: ${problem}` } as const],
  );
}

function firstProblem(texts: readonly string[], problemOf: (text: string) => string | undefined): string | undefined {
  return texts.map(problemOf).find((problem) => problem !== undefined);
}
