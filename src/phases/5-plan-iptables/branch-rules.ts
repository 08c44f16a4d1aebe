/**
 * Long chains as trees. iptables tries the rules of a chain one after the other, so a chain with a rule for each of thousands
 * of frontends becomes one with a rule for each part of them: a range of addresses, or of ports.
 */

import type { IptablesChain, IptablesRule } from '../../iptables/iptables-ruleset.ts';
import { pushTo } from '../../lib/lists.ts';
import { addressNumber, addressOfNumber } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import { addressBranchName, portBranchName } from './iptables-names.ts';

/** How many rules a chain has at most, unless they are all for one address or port. */
const longest = 32;

/** By how many bits of the address, or of the port, a chain is divided: into 16 parts at most. */
const dividedBits = 4;

/** Rules that match by address, under a name. */
interface AddressRules {
  readonly name: string;
  /** Each has one address as destination. */
  readonly rules: readonly IptablesRule[];
  /** Rules for what none of these matches. */
  readonly others: readonly IptablesRule[];
  readonly family: Family;
}

/** A chain with these rules, and those that it goes to; every one ends with the rules for the rest. */
export function branchByAddress({ name, rules, others, family }: AddressRules): IptablesChain[] {
  const bits = family === 'ip' ? 32 : 128;
  const divide = (chain: string, numbered: readonly NumberedRule[], prefix: number): IptablesChain[] => {
    if (numbered.length <= longest || prefix === bits) {
      return [{ name: chain, rules: [...numbered.map(({ rule }) => rule), ...others] }];
    }
    const length = Math.min(bits, commonPrefix(numbered, bits) + dividedBits);
    const branches = [...partsOf(numbered, bits - length)].map(([network, part]) => {
      const range = `${addressOfNumber(family, network << BigInt(bits - length))}/${length}`;
      return { range, length, part, chain: addressBranchName(range) };
    });
    const head = branches.map(({ range, chain: to }): IptablesRule => {
      return { destination: { range }, target: { kind: 'goto', chain: to } };
    });
    const below = branches.flatMap(({ chain: to, part }) => divide(to, part, length));
    return [{ name: chain, rules: [...head, ...others] }, ...below];
  };
  return divide(name, rules.map(numberRule), 0);
}

interface NumberedRule {
  readonly rule: IptablesRule;
  readonly number: bigint;
}

function numberRule(rule: IptablesRule): NumberedRule {
  return { rule, number: addressNumber(rule.destination?.range ?? '') };
}

function commonPrefix(numbered: readonly NumberedRule[], bits: number): number {
  const first = numbered[0]?.number ?? 0n;
  const different = numbered.reduce((sum, { number }) => sum | (number ^ first), 0n);
  return different === 0n ? bits : bits - different.toString(2).length;
}

/** The rules by the first bits of their addresses, in the order in which they come. */
function partsOf(numbered: readonly NumberedRule[], shift: number): Map<bigint, NumberedRule[]> {
  const parts = new Map<bigint, NumberedRule[]>();
  for (const each of numbered) {
    pushTo(parts, each.number >> BigInt(shift), each);
  }
  return parts;
}

/** How many ports a part of the node ports has. */
const portsInPart = 32;

/** The same for rules that match by protocol and port. */
export function branchByPort(name: string, rules: readonly IptablesRule[]): IptablesChain[] {
  if (rules.length <= longest) {
    return [{ name, rules }];
  }
  const parts = new Map<string, IptablesRule[]>();
  for (const rule of rules) {
    const first = Number(rule.port) - (Number(rule.port) % portsInPart);
    pushTo(parts, `${rule.protocol} ${first}`, rule);
  }
  const branches = [...parts.values()].flatMap((part) => {
    const [{ protocol, port } = {}] = part;
    const first = Number(port) - (Number(port) % portsInPart);
    return protocol === undefined ? [] : [{ protocol, first, part, chain: portBranchName(protocol, first) }];
  });
  const head = branches.map(({ protocol, first, chain }): IptablesRule => {
    const last = Math.min(first + portsInPart - 1, 65_535);
    return { protocol, port: [first, last], target: { kind: 'goto', chain } };
  });
  return [{ name, rules: head }, ...branches.map(({ chain, part }) => ({ name: chain, rules: part }))];
}
