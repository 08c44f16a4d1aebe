import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Document } from '../diagnostics/document.ts';
import { isMapping, type Mapping, mappingIn } from '../lib/unknown-values.ts';
import { type ReadResult, readDocuments } from '../phases/1-read/read-documents.ts';

/** The kind of a configuration file of kube-proxy. */
export const configurationKind = 'KubeProxyConfiguration';

/** The key of the ConfigMap kube-proxy, which kubeadm writes, that has the configuration. */
const usualKey = 'config.conf';

/**
 * The configurations of kube-proxy among documents: by themselves, as in a file for kubeadm, or as text in a ConfigMap. Of
 * a ConfigMap, `config.conf` counts, or if it has none, all other keys. Documents of other kinds are passed over.
 */
export function findConfigurations(documents: readonly Document[]): ReadResult {
  const found: Document[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const document of documents) {
    const { value } = document;
    if (isOfKind(value, configurationKind)) {
      found.push(document);
    } else if (isOfKind(value, 'ConfigMap')) {
      const embedded = readConfigMap(mappingIn(value, 'data'), document.source.file);
      found.push(...embedded.documents);
      diagnostics.push(...embedded.diagnostics);
    }
  }
  return { documents: found, diagnostics };
}

function isOfKind(value: unknown, kind: string): value is Mapping {
  return isMapping(value) && value['kind'] === kind;
}

function readConfigMap(data: Mapping, file: string): ReadResult {
  const texts = Object.entries(data).flatMap(([key, text]) =>
    typeof text === 'string' && mentionsKind.test(text) ? [{ key, text }] : [],
  );
  const usual = texts.filter(({ key }) => key === usualKey);
  const read = (usual.length > 0 ? usual : texts).map(({ key, text }) => readText(key, text, file));
  return {
    documents: read.flatMap((result) => result.documents),
    diagnostics: read.flatMap((result) => result.diagnostics),
  };
}

/** Only such texts are parsed, because a ConfigMap may hold anything. */
const mentionsKind = new RegExp(`(^|[{,])\\s*["']?kind["']?\\s*:\\s*["']?${configurationKind}\\b`, 'm');

/** Characters of a key that are shown. */
const shownKey = 60;

/** Positions are those in the text, which the name of the file says. */
function readText(key: string, text: string, file: string): ReadResult {
  const name = key.length > shownKey ? `${key.slice(0, shownKey)}...` : key;
  const { documents, diagnostics } = readDocuments([
    { file: `${file}, text of data[${JSON.stringify(name)}]`, content: Buffer.from(text) },
  ]);
  return { documents: documents.filter(({ value }) => isOfKind(value, configurationKind)), diagnostics };
}
