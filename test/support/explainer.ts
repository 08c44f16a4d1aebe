import { compileRulesets } from '../../src/compile.ts';
import { explainPacket } from '../../src/explain/explain-packet.ts';
import type { Explanation } from '../../src/explain/explanation.ts';
import { makeQuestion } from '../../src/explain/make-question.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import type { Document } from '../../src/phases/1-read/document.ts';
import type { NodeView } from '../../src/phases/3-model/model.ts';
import type { Ruleset } from '../../src/phases/5-plan/ruleset.ts';
import { readPlaces } from '../../src/places/read-places.ts';
import { readServiceNotes } from '../../src/places/read-service-notes.ts';
import type { Packet } from '../../src/walk/fate.ts';

/** A snapshot that packets can be asked about. */
export interface Explainer {
  readonly explain: (packet: Packet) => Explanation;
  readonly views: readonly NodeView[];
  readonly rulesets: readonly Ruleset[];
}

/** Compiles documents once, for any number of packets. Throws for input that is refused. */
export function explainerFor(
  documents: readonly Document[],
  given: Partial<CompileOptions>,
  nodeAddresses: readonly string[] = [],
): Explainer {
  const options = withDefaults(given);
  const { views, rulesets, diagnostics } = compileRulesets(documents, options);
  if (!rulesets) {
    throw new Error(`refused: ${diagnostics[0]?.message}`);
  }
  const snapshot = { views, options, places: readPlaces(documents), notes: readServiceNotes(documents) };
  const tables = new Map(rulesets.map((ruleset) => [ruleset.family, { ruleset }]));
  const explain = ({ source, destination, port, protocol, inputInterface }: Packet): Explanation => {
    const made = makeQuestion({
      client: { kind: 'address', address: source },
      target: { kind: 'address', address: destination, port, protocol },
      inputInterface,
      tables,
      ownAddresses: nodeAddresses,
      snapshot,
    });
    if (typeof made === 'string') {
      throw new Error(made);
    }
    return explainPacket(made.question);
  };
  return { explain, views, rulesets };
}
