import { type HttpAnswer, type HttpQuestion, jsonText, notFound, plainText } from '../health/http-server.ts';
import { answerInquiry } from '../inspect/explain/answer-inquiry.ts';
import { parseClient, parseTarget } from '../inspect/explain/parse-names.ts';
import { renderAnswer } from '../inspect/explain/render-explanation.ts';
import { listFrontends } from '../inspect/list/list-frontends.ts';
import { type EndpointSources, readEndpointSources } from '../kubernetes/endpoint-sources.ts';
import { readLocations } from '../kubernetes/locations.ts';
import { readServiceNotes } from '../kubernetes/service-notes.ts';
import { joinLines } from '../lib/text.ts';
import { printRulesets } from '../nft/print.ts';
import type { Ruleset } from '../nft/ruleset.ts';
import type { CompileOptions } from '../options.ts';
import { documentsOf } from '../phases/1-read/read-documents.ts';
import type { NodeView } from '../phases/3-model/model.ts';
import { describeSource } from '../phases/5-plan/describe-source.ts';

/** What an agent knows. */
export interface DebugSource {
  readonly compile: CompileOptions;
  /** The tables as they should be. */
  readonly rulesets: () => readonly Ruleset[];
  readonly views: () => readonly NodeView[];
  readonly objects: () => readonly unknown[];
  /** Services without rules. */
  readonly leftOut: () => { readonly invalid: readonly string[]; readonly rejected: readonly string[] };
}

/**
 * The pages below `/debug/`: the rules, what they serve, and where a packet goes by them. Each takes time in proportion to the
 * cluster, for which changes wait.
 */
export function debugPage({ path, query }: HttpQuestion, source: DebugSource): HttpAnswer {
  switch (path) {
    case '/debug/ruleset':
      return plainText(printRulesets(source.rulesets(), describeSource(source.views())));
    case '/debug/services':
      return jsonText(`${JSON.stringify(describeServices(source), undefined, 2)}\n`);
    case '/debug/explain':
      return explain(query, source);
    default:
      return notFound;
  }
}

/** What `svc2nft list -o json` prints, and Services without rules. */
function describeServices({ rulesets, views, leftOut }: DebugSource): object {
  return { ...listFrontends(rulesets(), { views: views(), unserved: [] }), leftOut: leftOut() };
}

/** How many endpoints of each list the text has. */
const shown = 20;

const usage = 'expected /debug/explain?from=CLIENT&to=TARGET, as svc2nft explain --from CLIENT --to TARGET';

function explain(query: URLSearchParams, { compile, rulesets, views, objects }: DebugSource): HttpAnswer {
  const [from, to] = [query.get('from'), query.get('to')];
  if (from === null || to === null) {
    return plainText(`${usage}\n`, 400);
  }
  const [client, target] = [parseClient(from), parseTarget(to)];
  const problem = [client, target].find((parsed) => typeof parsed === 'string');
  if (typeof client === 'string' || typeof target === 'string') {
    return plainText(`${problem}; ${usage}\n`, 400);
  }
  const documents = documentsOf(objects());
  // The copies lack selectors and targetPorts.
  const sources: EndpointSources = { ...readEndpointSources(documents), services: new Map() };
  const reply = answerInquiry({
    client,
    target,
    inputInterface: undefined,
    tables: new Map(rulesets().map((ruleset) => [ruleset.family, { ruleset }])),
    ownAddresses: [],
    snapshot: {
      views: views(),
      locations: readLocations(documents),
      notes: readServiceNotes(documents),
      sources,
      options: compile,
    },
  });
  if (typeof reply === 'string') {
    return plainText(`${reply}\n`, 400);
  }
  if (query.get('output') === 'json') {
    return jsonText(`${JSON.stringify({ ...reply.answer, remarks: reply.remarks }, undefined, 2)}\n`);
  }
  const lines = renderAnswer(reply.answer, {
    ...{ color: false, limit: shown, width: 120, keepsHeadline: true },
    allRules: query.get('rules') === 'true',
  });
  return plainText(joinLines([...lines, ...reply.remarks.map((remark) => `note: ${remark}`)]));
}
