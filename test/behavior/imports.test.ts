import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** What each folder of src, and each file beside them, may import, types included. What is not listed imports nothing. */
const allowed: Readonly<Record<string, string>> = {
  lib: '',
  version: '',
  options: '',
  net: 'lib',
  diagnostics: 'lib',
  nft: 'lib net',
  // iptables' rules are read into nft's data, which the walker takes.
  iptables: 'lib net nft',
  // The objects that nft prints as JSON, typed, and their reading; both readers end in them. Some statements in JSON are text.
  'nft/objects': 'lib net nft',
  'nft/text': 'lib net nft nft/objects',
  'nft/json': 'lib net nft nft/objects nft/text',
  kubernetes: 'lib net diagnostics',
  'phases/1-read': 'lib diagnostics kubernetes',
  'phases/2-validate': 'lib net diagnostics kubernetes',
  'phases/3-model': 'lib net diagnostics kubernetes options',
  'phases/4-select': 'phases/3-model',
  'phases/5-plan': 'lib net diagnostics kubernetes nft options version phases/3-model phases/4-select',
  'phases/5-plan-iptables':
    'lib net nft diagnostics kubernetes iptables options phases/3-model phases/4-select phases/5-plan',
  config: 'lib net diagnostics kubernetes options phases/1-read',
  compile:
    'config diagnostics nft iptables options phases/2-validate phases/3-model phases/4-select phases/5-plan phases/5-plan-iptables',
  walk: 'lib net nft',
  frontends: 'lib net nft kubernetes phases/3-model phases/5-plan phases/5-plan-iptables',
  diff: 'lib net nft phases/5-plan',
  // The only one that starts programs.
  kernel: 'lib net nft nft/json iptables options',
  conntrack: 'lib net nft frontends phases/3-model phases/4-select phases/5-plan',
  engine:
    'lib net nft iptables diagnostics kubernetes options compile config conntrack diff phases/1-read phases/2-validate phases/3-model phases/4-select phases/5-plan phases/5-plan-iptables',
  apply: 'lib net nft iptables diagnostics options kernel diff conntrack engine phases/3-model phases/5-plan',
  cluster: 'lib diagnostics engine',
  health: 'net engine phases/3-model',
  relay: 'net engine health',
  // Loaded once the agent has nothing better to do.
  metrics: 'net engine health version',
  debug: 'lib nft kubernetes options health inspect/explain inspect/list phases/1-read phases/3-model phases/5-plan',
  agent:
    'lib net frontends diagnostics options config kernel engine apply cluster health relay metrics debug phases/5-plan',
  // What only looks knows neither engine nor apply.
  // The stale UDP flows that it names are those that the cleanup of apply finds.
  'inspect/changes': 'lib net nft frontends conntrack phases/3-model phases/5-plan',
  'inspect/list': 'lib net nft kubernetes frontends phases/3-model',
  'inspect/graph': 'lib net nft kubernetes frontends phases/3-model phases/5-plan',
  'inspect/explain':
    'lib net nft kubernetes frontends walk options phases/3-model phases/4-select phases/5-plan phases/5-plan-iptables',
  // It derives what is right a second time, so it shares nothing with the phases that do so first, but for the shapes of rules.
  'inspect/verify': 'lib net nft kubernetes walk phases/3-model phases/5-plan',
  'inspect/whatif': 'lib net diagnostics kubernetes frontends options phases/3-model phases/4-select phases/5-plan',
  'inspect/migrate': 'lib net nft kubernetes walk phases/3-model inspect/verify',
  'inspect/top': 'lib frontends',
  dns: 'lib net kubernetes',
  'control-plane': 'lib net diagnostics kubernetes',
  // Processes in network namespaces of their own; those of nodes do what an agent does.
  lab: 'lib net diagnostics kubernetes options control-plane dns kernel engine apply health phases/1-read',
  'inspect/doctor': 'lib net nft kernel phases/5-plan',
  'inspect/status': 'lib',
  'inspect/collect': 'lib net config kernel inspect/doctor',
  'cli/flags': 'lib net control-plane diagnostics kubernetes config options phases/1-read cli',
  'cli/manual': 'lib kubernetes version cli cli/flags',
  'cli/input':
    'lib net nft nft/json nft/text iptables diagnostics kubernetes frontends options compile config control-plane kernel apply cluster inspect/collect inspect/graph inspect/migrate inspect/verify lab phases/1-read phases/2-validate phases/5-plan phases/5-plan-iptables cli cli/flags cli/output',
  'cli/output':
    'lib net nft iptables diagnostics kernel diff apply agent inspect/changes inspect/doctor inspect/graph inspect/migrate lab phases/1-read phases/3-model phases/5-plan cli',
  'cli/commands':
    'lib net nft nft/text iptables diagnostics kubernetes frontends options version compile config control-plane kernel diff dns engine walk apply cluster agent inspect/collect inspect/doctor inspect/explain inspect/graph inspect/list inspect/migrate inspect/status inspect/top inspect/verify inspect/whatif lab phases/1-read phases/2-validate phases/5-plan cli cli/flags cli/input cli/manual cli/output',
  cli: 'lib kernel apply version cli/commands cli/flags cli/manual cli/output',
  entries:
    'lib net nft diagnostics options compile frontends conntrack engine cluster inspect/changes phases/1-read phases/3-model',
  index:
    'lib net nft diagnostics options version kernel compile frontends diff conntrack engine apply cluster inspect/changes phases/1-read phases/3-model',
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const texts = new Map(files.map((file) => [file, readFileSync(join('src', file), 'utf8')]));
const imports = new Map([...texts].map(([file, text]) => [file, importsOf(file, text)]));

/** The paths below src that a file imports from or exports again. */
function importsOf(file: string, text: string): string[] {
  const paths = [...text.matchAll(/\b(?:from|import\(|import) ?'(\.[^']+)'/g)].map(([, path = '']) => path);
  return paths.map((path) => normalize(join(dirname(file), path)));
}

/** The folder of a file; a file that is in none stands for itself. */
function placeOf(file: string): string {
  return dirname(file) === '.' ? basename(file, '.ts') : dirname(file);
}

function repeated(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}

describe('imports', () => {
  test('are all found', () => {
    expect([...imports.values()].flat().filter((file) => !texts.has(file))).toEqual([]);
    expect(importsOf('a/b.ts', "import type { A } from '../c.ts';\nconst d = await import('./d.ts');")).toEqual([
      'c.ts',
      'a/d.ts',
    ]);
  });

  test('go where the table allows, from folders that it knows', () => {
    expect([...new Set(files.map(placeOf))].filter((place) => !(place in allowed))).toEqual([]);
    const wrong = [...imports].flatMap(([file, targets]) => {
      const from = placeOf(file);
      const mayImport = [from, ...(allowed[from]?.split(' ') ?? [])];
      return targets.filter((target) => !mayImport.includes(placeOf(target))).map((target) => `${file} -> ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test('of the phases that plan rules, where verify derives what is right, are of their shapes alone', () => {
    const verify = [...imports].filter(([file]) => file.startsWith('inspect/verify/'));
    const planned = verify.flatMap(([file, targets]) =>
      targets.flatMap((target) => (target.startsWith('phases/5-plan/') ? [`${file} -> ${target}`] : [])),
    );
    expect(planned).toEqual([
      'inspect/verify/check-shapes.ts -> phases/5-plan/known-parts.ts',
      'inspect/verify/kube-proxy-behavior.ts -> phases/5-plan/kube-proxy-names.ts',
      'inspect/verify/list-clients.ts -> phases/5-plan/kube-proxy-names.ts',
      'inspect/verify/verify-ruleset.ts -> phases/5-plan/kube-proxy-names.ts',
      'inspect/verify/verify-ruleset.ts -> phases/5-plan/table-layouts.ts',
    ]);
  });

  test('form no cycle, not even through types', () => {
    const left = new Map(imports);
    for (let size = -1; size !== left.size; ) {
      size = left.size;
      const imported = new Set([...left.values()].flat());
      for (const [file, targets] of left) {
        if (!imported.has(file) || !targets.some((target) => left.has(target))) {
          left.delete(file);
        }
      }
    }
    expect([...left.keys()]).toEqual([]);
  });

  test('of what starts programs are in two files', () => {
    const users = [...texts].filter(([, text]) => /'execa'|'(node:)?child_process'/.test(text)).map(([file]) => file);
    expect(users.sort()).toEqual(['kernel/run-program.ts', 'kernel/start-process.ts']);
  });
});

describe('names', () => {
  test('are exported by one module each', () => {
    const declaration = /^export (?:declare )?(?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm;
    const names = [...texts.values()].flatMap((text) => [...text.matchAll(declaration)].map(([, name = '']) => name));
    expect(repeated(names)).toEqual([]);
  });

  test('of files are different', () => {
    expect(repeated(files.map((file) => basename(file)))).toEqual([]);
  });
});

describe('files', () => {
  test('are at most 450, and at most 30 in a folder', () => {
    expect(files.length).toBeLessThanOrEqual(450);
    const folders = files.map((file) => dirname(file));
    expect([...new Set(folders)].filter((folder) => folders.filter((one) => one === folder).length > 30)).toEqual([]);
  });

  test('hold a whole thought: half of them have at least 75 lines', () => {
    const lengths = [...texts.values()].map((text) => text.split('\n').length - 1).sort((a, b) => a - b);
    expect(lengths[Math.floor(lengths.length / 2)]).toBeGreaterThanOrEqual(75);
  });
});
