import { familyOfAddress } from '../address.ts';
import { escapeControls } from '../escape-controls.ts';
import { explainPacket } from '../explain/explain-packet.ts';
import type { Explanation } from '../explain/explanation.ts';
import { makeQuestion, type SnapshotFacts } from '../explain/make-question.ts';
import { type ClientName, parseClient } from '../explain/parse-client.ts';
import { parseTarget, type TargetName } from '../explain/parse-target.ts';
import { renderExplanation } from '../explain/render-explanation.ts';
import { readPlaces } from '../places/read-places.ts';
import { readServiceNotes } from '../places/read-service-notes.ts';
import { UnknownRule } from '../walk/unknown-rule.ts';
import type { CompileFlags } from './commands/compile-options.ts';
import { exitCodes } from './exit-codes.ts';
import { type Cluster, loadCluster } from './load-cluster.ts';
import { loadRules, type Rules } from './load-rules.ts';
import { markRefused } from './mark-refused.ts';
import { type Streams, wantsColour } from './streams.ts';
import { wantsStdinTwice } from './wants-stdin-twice.ts';
import { writeOutput } from './write-output.ts';

/** The flags of `svc2nft explain`. */
export interface ExplainFlags extends CompileFlags {
  readonly from: string;
  readonly to: string;
  readonly interface?: string;
  readonly ruleset?: string;
  readonly output: 'text' | 'json';
}

/** Says where a packet goes, and why; resolves to the exit code. */
export async function runExplain(paths: readonly string[], flags: ExplainFlags, streams: Streams): Promise<number> {
  const [client, target] = [parseClient(flags.from), parseTarget(flags.to)];
  const asksTwice = wantsStdinTwice(paths, { flag: '--ruleset', value: flags.ruleset }, streams);
  if (typeof client === 'string' || typeof target === 'string' || asksTwice) {
    return exitCodes.wrongUsage;
  }
  const family = familyOf(client, target);
  if (flags.family !== undefined && family !== undefined && flags.family !== family) {
    const packet = family === 'ip' ? 'IPv4' : 'IPv6';
    streams.stderr.write(
      `error: --family ${flags.family} leaves out the table that an ${packet} packet meets (see --help)\n`,
    );
    return exitCodes.wrongUsage;
  }
  const needed = { ...flags, ...(family && { family }) };
  const isAboutRules = flags.ruleset !== undefined && paths.length === 0;
  const cluster = isAboutRules ? undefined : await loadCluster(paths, needed, streams);
  if (cluster === 'lacks-input' || cluster === 'refused') {
    return cluster === 'refused' ? exitCodes.badInput : exitCodes.wrongUsage;
  }
  const rules = await loadRules(needed, cluster, streams);
  if (typeof rules === 'number') {
    return rules;
  }
  const explanation = explain({ client, target, flags }, { cluster, rules, streams });
  if (typeof explanation === 'string') {
    streams.stderr.write(`error: ${escapeControls(explanation)}\n`);
    return exitCodes.badInput;
  }
  return writeOutput(print(explanation, flags, streams), undefined, streams);
}

/** Only the table of the packet's family is needed, where an address tells which. */
function familyOf(client: ClientName, target: TargetName): CompileFlags['family'] {
  const known = [target, client].find((one) => one.kind === 'address');
  if (known?.kind !== 'address') {
    return undefined;
  }
  return familyOfAddress(known.address);
}

interface Asked {
  readonly client: ClientName;
  readonly target: TargetName;
  readonly flags: ExplainFlags;
}

interface Found {
  readonly cluster: Cluster | undefined;
  readonly rules: Rules;
  readonly streams: Streams;
}

/** The explanation; a text where the packet cannot be made out, or the rules are none of ours. */
function explain({ client, target, flags }: Asked, { cluster, rules, streams }: Found): Explanation | string {
  const made = makeQuestion({
    client,
    target,
    inputInterface: flags.interface,
    tables: rules.byFamily,
    ownAddresses: rules.ownAddresses,
    snapshot: cluster && factsOf(cluster),
  });
  if (typeof made === 'string') {
    return made;
  }
  if (made.remark !== undefined) {
    streams.stderr.write(`note: ${escapeControls(made.remark)}\n`);
  }
  try {
    return explainPacket(made.question);
  } catch (error) {
    if (error instanceof UnknownRule) {
      return `the rules are none that svc2nft makes: ${error.message}`;
    }
    throw error;
  }
}

function factsOf({ views, documents, options, diagnostics }: Cluster): SnapshotFacts {
  const notes = markRefused(readServiceNotes(documents), diagnostics);
  return { views, options, places: readPlaces(documents), notes };
}

/** How many endpoints of a list people are shown. */
const shown = 20;

function print(explanation: Explanation, { output }: ExplainFlags, streams: Streams): string {
  if (output === 'json') {
    return `${JSON.stringify(explanation, undefined, 2)}\n`;
  }
  const lines = renderExplanation(explanation, { colour: wantsColour(streams, 'stdout'), limit: shown });
  return lines.map((line) => `${line}\n`).join('');
}
