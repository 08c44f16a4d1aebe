import { canonicalAddress } from '../address.ts';
import { compareText } from '../compare-text.ts';
import type { Protocol } from '../network.ts';
import type { EndpointSlice, SliceEndpoint } from '../phases/2-validate/kubernetes.ts';
import type { NodeSettings } from '../phases/3-model/model.ts';
import { socketText } from '../socket-text.ts';
import type { ExpectedEndpoint } from './expectations.ts';

/** An endpoint as its slice describes it, with the API's defaults for what the slice leaves out. */
export interface Candidate extends ExpectedEndpoint {
  readonly ready: boolean;
  /** Serving until it is gone: it takes connections where nobody ready does. */
  readonly lastResort: boolean;
  readonly terminating: boolean;
  readonly nodeName: string;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}

/** Which slice ports belong to a service port: EndpointPort.name and protocol. */
export interface WantedPort {
  readonly portName: string;
  readonly protocol: Protocol;
}

/**
 * The endpoints of one service port, each once. Where slices name one socket twice, a running endpoint replaces what was
 * there before, slices taken by name (discovery.k8s.io/v1 lets an endpoint stand in several slices for a moment).
 *
 * @param slices those of the Service, of one family.
 */
export function listCandidates(slices: readonly EndpointSlice[], wanted: WantedPort): Candidate[] {
  const found = new Map<string, Candidate>();
  const inOrder =
    slices.length > 1 ? [...slices].sort((a, b) => compareText(a.metadata.name, b.metadata.name)) : slices;
  for (const slice of inOrder) {
    for (const number of portNumbersOf(slice, wanted)) {
      for (const candidate of (slice.endpoints ?? []).flatMap((entry) => candidateOf(entry, number) ?? [])) {
        if (!candidate.terminating || !found.has(candidate.text)) {
          found.set(candidate.text, candidate);
        }
      }
    }
  }
  return [...found.values()];
}

/** A slice may have several ports of one name; without a number a port is none. */
function portNumbersOf({ ports }: EndpointSlice, { portName, protocol }: WantedPort): number[] {
  const ours = (ports ?? []).filter(
    (port) => port.name === portName && (port.protocol || 'TCP').toLowerCase() === protocol,
  );
  return ours.flatMap(({ port }) => port || []);
}

function candidateOf({ addresses, nodeName, conditions, hints }: SliceEndpoint, port: number): Candidate | undefined {
  const address = canonicalAddress(addresses?.[0] ?? '');
  if (address === undefined) {
    return undefined;
  }
  const terminating = conditions?.terminating ?? false;
  return {
    text: socketText({ address, port }),
    address,
    port,
    ready: conditions?.ready ?? true,
    lastResort: (conditions?.serving ?? true) && terminating,
    terminating,
    nodeName: nodeName ?? '',
    zoneHints: namesOf(hints?.forZones),
    nodeHints: namesOf(hints?.forNodes),
  };
}

const noNames: readonly string[] = [];

function namesOf(hints: readonly { readonly name: string }[] | null | undefined): readonly string[] {
  return hints ? hints.map(({ name }) => name) : noNames;
}

/**
 * Those that serve clients from anywhere: the ready ones, or only those that the hints keep for this node or its zone;
 * with none ready, those that terminate and still serve.
 */
export function clusterEndpoints(candidates: readonly Candidate[], node: NodeSettings): readonly Candidate[] {
  const ready = candidates.filter((candidate) => candidate.ready);
  if (ready.length === 0) {
    return candidates.filter(({ lastResort }) => lastResort);
  }
  return (
    keptBy(ready, ({ nodeHints }) => nodeHints, node.nodeName) ??
    keptBy(ready, ({ zoneHints }) => zoneHints, node.zone) ??
    ready
  );
}

/** Hints count when every ready endpoint has one and at least one means us. */
function keptBy(
  ready: readonly Candidate[],
  hintsOf: (candidate: Candidate) => readonly string[],
  us: string,
): readonly Candidate[] | undefined {
  const kept = ready.filter((candidate) => hintsOf(candidate).includes(us));
  return kept.length > 0 && ready.every((candidate) => hintsOf(candidate).length > 0) ? kept : undefined;
}

/** Those on this node: the ready ones, else those that terminate and still serve. Hints do not count. */
export function localEndpoints(candidates: readonly Candidate[], { nodeName }: NodeSettings): readonly Candidate[] {
  const here = candidates.filter((candidate) => nodeName !== '' && candidate.nodeName === nodeName);
  const ready = here.filter((candidate) => candidate.ready);
  return ready.length > 0 ? ready : here.filter(({ lastResort }) => lastResort);
}
