import { escapeControls } from '../../lib/text.ts';
import { isMapping } from '../../lib/unknown-values.ts';
import { type Cluster, type CompileRequest, compileSource, type InputSource } from './load-cluster.ts';

/**
 * Compiles the snapshot that another one is compared with, for the same node. Undefined, after a message on stderr, when it is
 * invalid, or when the two are rather parts of one snapshot.
 *
 * @param request that of the other one, which has reported problems of settings already.
 */
export async function compileOlder<R>(
  from: string,
  desired: Cluster<R>,
  request: CompileRequest<R> & InputSource,
): Promise<Cluster<R> | undefined> {
  // The Node of a cluster may be that of this machine.
  const options = {
    ...request.options,
    ...(desired.options.nodeName !== undefined && { nodeName: desired.options.nodeName }),
  };
  const older = {
    ...request,
    paths: [from],
    cluster: undefined,
    options,
    configDiagnostics: [],
    onlyAboutInput: true,
    needs: {},
  } as const;
  const compiled = await compileSource(older, older);
  const { stderr } = request.context;
  if (typeof compiled === 'number') {
    stderr.write(`error: ${escapeControls(from)} gives no ruleset to compare with\n`);
    return undefined;
  }
  if (arePartsOfOne(compiled, desired)) {
    stderr.write(
      `error: ${escapeControls(from)} and the other snapshot have no kind of object in common, and two PATHs are compared; to read them as one snapshot, use -f for each\n`,
    );
    return undefined;
  }
  return compiled;
}

type Documents = Pick<Cluster, 'documents'>;

/** Whether two inputs are rather the Services and the EndpointSlices of one cluster than two snapshots. */
function arePartsOfOne(old: Documents, desired: Documents): boolean {
  const kinds = new Set(old.documents.flatMap(kindOf));
  const others = desired.documents.flatMap(kindOf);
  return kinds.size > 0 && others.length > 0 && !others.some((kind) => kinds.has(kind));
}

function kindOf({ value }: Documents['documents'][number]): string[] {
  return isMapping(value) && typeof value['kind'] === 'string' ? [value['kind']] : [];
}
