import { compileRulesets } from '../../src/compile.ts';
import type { Document } from '../../src/diagnostics/document.ts';
import { explainPacket } from '../../src/inspect/explain/explain-packet.ts';
import type { Explanation } from '../../src/inspect/explain/explanation.ts';
import { makeQuestions } from '../../src/inspect/explain/make-question.ts';
import { readEndpointSources } from '../../src/kubernetes/endpoint-sources.ts';
import { readLocations } from '../../src/kubernetes/locations.ts';
import { readServiceNotes } from '../../src/kubernetes/service-notes.ts';
import type { Ruleset } from '../../src/nft/ruleset.ts';
import { type CompileOptions, withDefaults } from '../../src/options.ts';
import type { NodeView } from '../../src/phases/3-model/model.ts';
import type { Packet } from '../../src/walk/fate.ts';

/** A snapshot that packets can be asked about. */
export interface Explainer {
  readonly explain: (packet: Packet) => Explanation;
  readonly views: readonly NodeView[];
  readonly rulesets: readonly Ruleset[];
}

/**
 * Compiles documents once, for any number of packets. Throws for input that is refused.
 *
 * @param rules what packets are walked through in place of the compiled rulesets.
 */
export function explainerFor(
  documents: readonly Document[],
  given: Partial<CompileOptions>,
  nodeAddresses: readonly string[] = [],
  rules?: readonly Ruleset[],
): Explainer {
  const options = withDefaults(given);
  const { views, rulesets, diagnostics } = compileRulesets(documents, options);
  if (!rulesets) {
    throw new Error(`refused: ${diagnostics[0]?.message}`);
  }
  const snapshot = {
    views,
    options,
    locations: readLocations(documents),
    notes: readServiceNotes(documents),
    sources: readEndpointSources(documents),
  };
  const tables = new Map((rules ?? rulesets).map((ruleset) => [ruleset.family, { ruleset }]));
  const explain = ({ source, destination, port, protocol, inputInterface }: Packet): Explanation => {
    const made = makeQuestions({
      client: { kind: 'address', address: source },
      target: { kind: 'address', address: destination, port, protocol },
      inputInterface,
      tables,
      ownAddresses: nodeAddresses,
      snapshot,
    });
    if (typeof made === 'string' || 'unserved' in made) {
      throw new Error(String(made));
    }
    return explainPacket(made.questions[0]);
  };
  return { explain, views, rulesets };
}
