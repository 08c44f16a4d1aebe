import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'rolldown';

/**
 * Bundles the command line with the libraries it needs, so that a start reads a few files and not hundreds. Commands
 * stay in files of their own, loaded when they run. Code and stack traces stay readable; with
 * NODE_OPTIONS=--enable-source-maps, traces name the lines of src.
 *
 * All files go to dist/cli itself: packageFile in src/cli/context.ts relies on it.
 */
export default defineConfig({
  input: {
    main: 'src/cli/main.ts',
    // Processes that a lab consists of.
    'lab-supervisor': 'src/lab/lab-supervisor.ts',
    'lab-node': 'src/lab/lab-node.ts',
    'lab-server': 'src/lab/lab-server.ts',
    'lab-probe': 'src/lab/lab-probe.ts',
  },
  platform: 'node',
  // The same code as ECMAScript modules: CommonJS modules stay apart in a bundle, which takes longer to load.
  resolve: { alias: { yaml: fileURLToPath(new URL('node_modules/yaml/browser/dist/index.js', import.meta.url)) } },
  // WebAssembly of 0.8 MB, which one output format of one command loads, and what reads kubeconfig files, which is as large.
  external: ['@hpcc-js/wasm-graphviz', '@kubernetes/client-node'],
  plugins: [bundledLicenses()],
  output: {
    cleanDir: true,
    dir: 'dist/cli',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    sourcemap: true,
    sourcemapExcludeSources: true,
  },
});

/** Adds the licenses of the bundled libraries, which all ask to go with every copy. */
function bundledLicenses() {
  return {
    name: 'bundled-licenses',
    async generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((chunk) => Object.keys(chunk.modules ?? {}));
      const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
      const texts = await Promise.all([...new Set(folders)].sort().map(readLicense));
      this.emitFile({ type: 'asset', fileName: 'BUNDLED-LICENSES.txt', source: texts.join('\n') });
    },
  };
}

/** @param {string} folder */
async function readLicense(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) {
    throw new Error(`${name} has no license file, so it must not be bundled`);
  }
  const text = await readFile(`${folder}/${file}`, 'utf8');
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
