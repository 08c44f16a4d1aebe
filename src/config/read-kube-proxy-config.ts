import { describeValue } from '../describe-value.ts';
import { type Diagnostic, diagnosticInFile } from '../diagnostics.ts';
import { isMapping, type Mapping } from '../mapping.ts';
import type { CompileOptions } from '../options.ts';
import type { Document, InputText, Position } from '../phases/1-read/document.ts';
import { readDocuments } from '../phases/1-read/read-documents.ts';
import type { Report } from '../phases/2-validate/report.ts';
import { checkConfigFields } from './check-config-fields.ts';
import { configOptions } from './config-options.ts';

/** The options that a configuration sets, others absent, and everything that is wrong with it or has no effect. */
export interface ConfigResult {
  readonly options: Partial<CompileOptions>;
  readonly diagnostics: Diagnostic[];
}

const kind = 'KubeProxyConfiguration';
const apiVersion = 'kubeproxy.config.k8s.io/v1alpha1';

/**
 * Reads the configuration file of kube-proxy, in YAML or JSON, so that a cluster's existing one works. A stock file as
 * kubeadm writes it gives no diagnostic. Never throws for wrong input.
 */
export function readKubeProxyConfig(text: InputText): ConfigResult {
  const { documents, diagnostics } = readDocuments([text]);
  const [document, second] = documents;
  if (!document) {
    const empty = diagnosticInFile('invalid-config', `an empty list; a ${kind} is expected`, text.file);
    return { options: {}, diagnostics: diagnostics.length > 0 ? diagnostics : [empty] };
  }
  const report = reportTo(diagnostics, document);
  if (second) {
    reportTo(diagnostics, second)('invalid-config', [], `a second document; one ${kind} is expected`);
  }
  const config = isMapping(document.value) ? document.value : undefined;
  if (!config || !isKubeProxyConfiguration(config, report)) {
    if (!config) {
      report('invalid-config', [], `this is ${describeValue(document.value)}; a ${kind} is expected`);
    }
    return { options: {}, diagnostics };
  }
  checkConfigFields(config, report);
  const options = configOptions(config, report);
  return { options, diagnostics: diagnostics.sort(byPosition) };
}

function isKubeProxyConfiguration(config: Mapping, report: Report): boolean {
  if (config['kind'] !== kind) {
    const isConfigMap = config['kind'] === 'ConfigMap';
    const hint = isConfigMap ? '; give the text below its data["config.conf"] as a file of its own' : '';
    report('invalid-config', ['kind'], `kind is ${describeValue(config['kind'])}; ${kind} is expected${hint}`);
    return false;
  }
  if (config['apiVersion'] !== apiVersion) {
    const found = describeValue(config['apiVersion']);
    report('invalid-config', ['apiVersion'], `apiVersion is ${found}; ${apiVersion} is expected`);
    return false;
  }
  return true;
}

function reportTo(diagnostics: Diagnostic[], document: Document): Report {
  return (code, path, message) => {
    diagnostics.push({ code, message, place: { document, path } });
  };
}

/** From the top of the file to its end: fields are looked at in another order. */
function byPosition(a: Diagnostic, b: Diagnostic): number {
  const [first, second] = [positionOf(a), positionOf(b)];
  return (first?.line ?? 0) - (second?.line ?? 0) || (first?.column ?? 0) - (second?.column ?? 0);
}

function positionOf({ place }: Diagnostic): Position | undefined {
  return place?.document.source.locate([...place.document.path, ...place.path]);
}
