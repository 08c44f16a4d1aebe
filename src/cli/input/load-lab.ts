import { existsSync } from 'node:fs';
import { hasError, severityOf } from '../../diagnostics/diagnostic.ts';
import { dnsObjects, localPods, outsideAddresses, rangesOf } from '../../lab/lab-cluster.ts';
import { listBalancedAddresses } from '../../lab/load-balancer.ts';
import { planLab } from '../../lab/plan-lab.ts';
import { isMapping, type Mapping } from '../../lib/unknown-values.ts';
import { familyOfAddress } from '../../net/address.ts';
import type { Family } from '../../net/network.ts';
import type { CompileOptions } from '../../options.ts';
import { documentsOf, readDocuments } from '../../phases/1-read/read-documents.ts';
import { validate } from '../../phases/2-validate/validate.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type ResolveFlags, resolveOptionsOf } from '../flags/resolve-flags.ts';
import { reportDiagnostics } from '../output/report-diagnostics.ts';
import { lacksInput } from './load-cluster.ts';
import { loadInput } from './load-files.ts';
import { resolveDocuments } from './resolve-documents.ts';

/** What a lab is brought up with. */
export interface LabInput {
  /** Complete, with the DNS of the cluster. */
  readonly objects: readonly Mapping[];
  readonly families: readonly Family[];
  readonly outside: readonly string[];
  readonly compile: Partial<CompileOptions>;
}

/** Each takes a process of about 45 MB. */
const mostMembers = 300;

/** IPv6 may be turned off. */
function kernelFamilies(): Family[] {
  return existsSync('/proc/net/if_inet6') ? ['ip', 'ip6'] : ['ip'];
}

/** Reads manifests for a lab, and reports what is wrong with them. @returns the exit code if they cannot be used. */
export async function loadLab(
  paths: readonly string[],
  flags: ResolveFlags,
  context: Context,
): Promise<LabInput | number> {
  if (lacksInput(paths, context)) {
    return exitCodes.wrongUsage;
  }
  const { texts, diagnostics } = await loadInput(paths, context.stdin);
  const { documents, diagnostics: aboutTexts } = readDocuments(texts);
  const invalid = validate(documents).diagnostics.filter((one) => severityOf(one) === 'error');
  const families = kernelFamilies();
  const options = resolveOptionsOf(flags, rangesOf(families));
  const added = dnsObjects(
    documents.map(({ value }) => value),
    options.serviceCIDRs,
  );
  const resolved = resolveDocuments([...documents, ...documentsOf(added)], options);
  const all = [...diagnostics, ...aboutTexts, ...invalid, ...resolved.diagnostics];
  const isRefused = hasError(all);
  reportDiagnostics(all, { refused: isRefused, context });
  if (isRefused) {
    return exitCodes.badInput;
  }
  const objects = resolved.documents.map(({ value }) => value).filter(isMapping);
  const plan = planLab(objects);
  const members = plan.nodes.length + plan.hosts.length;
  if (plan.nodes.length === 0 || members > mostMembers) {
    const reason =
      plan.nodes.length === 0
        ? 'no Node has an address'
        : `${members} nodes and Pods are more than the ${mostMembers} that a lab can have`;
    context.stderr.write(`error: ${reason}: ${context.refusal}\n`);
    return exitCodes.badInput;
  }
  const balanced = listBalancedAddresses(objects.filter(({ kind }) => kind === 'Service'));
  return {
    objects,
    families,
    outside: outsideAddresses(
      plan,
      balanced.map(({ address }) => address),
    ).filter((address) => families.includes(familyOfAddress(address))),
    compile: localPods(plan, options.podCIDRs),
  };
}
