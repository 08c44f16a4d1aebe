/** A value of a metric. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes: Readonly<Record<string, string>> = { n: '\n' };

/** The samples of a text in the format that Prometheus reads (text format 0.0.4); what is not one is passed over. */
export function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((row): Sample[] => {
    const [, name, labels = '', value = ''] = line.exec(row.trim()) ?? [];
    return name === undefined ? [] : [{ name, labels: readLabels(labels), value: readValue(value) }];
  });
}

function readLabels(text: string): Readonly<Record<string, string>> {
  const pairs = [...text.matchAll(label)].map(([, name = '', value = '']): [string, string] => [
    name,
    unescapeLabel(value),
  ]);
  return Object.fromEntries(pairs);
}

function unescapeLabel(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
}

function readValue(text: string): number {
  const infinite = /^([+-]?)Inf$/.exec(text);
  return infinite ? Number(`${infinite[1]}Infinity`) : Number(text);
}

/** The sum of a metric's samples; undefined if there is none. */
export function sumOf(samples: readonly Sample[], name: string, labels: Sample['labels'] = {}): number | undefined {
  const found = samples.filter((sample) => sample.name === name && hasLabels(sample, labels));
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** The values of a metric by one of its labels. */
export function valuesBy(samples: readonly Sample[], name: string, by: string): Readonly<Record<string, number>> {
  const found = samples.filter((sample) => sample.name === name);
  const keys = [...new Set(found.map(({ labels }) => labels[by] ?? ''))];
  return Object.fromEntries(keys.map((key) => [key, sumOf(found, name, { [by]: key }) ?? 0]));
}

/**
 * The bound of a histogram's bucket below which a share of all values is, from 0 to 1: no value is known better. Infinite above
 * the last bound; undefined without values.
 */
export function boundOf(samples: readonly Sample[], name: string, share: number): number | undefined {
  const buckets = samples
    .filter((sample) => sample.name === `${name}_bucket`)
    .map(({ labels, value }) => ({ bound: readValue(labels['le'] ?? ''), count: value }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.at(-1)?.count ?? 0;
  return total === 0 ? undefined : buckets.find(({ count }) => count >= share * total)?.bound;
}

function hasLabels({ labels }: Sample, wanted: Sample['labels']): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
