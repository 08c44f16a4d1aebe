import { drawnFont } from '../graph/write-dot.ts';

/** What browsers show in place of the font that is measured: none is wider, so all texts fit their boxes. */
const shownFonts = 'Helvetica,Arial,DejaVu Sans,sans-serif';

/** Lays a graph in Graphviz' language out as SVG, with Graphviz compiled to WebAssembly. It is loaded only here: 0.8 MB. */
export async function layOutSvg(dot: string): Promise<string> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const svg = graphviz.layout(dot, 'svg', 'dot');
  // Graphviz titles its groups by internal names, which browsers show and readers read out. Texts of the input have no
  // quotes and angle brackets here, but &quot; and &lt;.
  return svg
    .replaceAll(/<title>(?!Services)[^<]*<\/title>\n?/g, '')
    .replaceAll(`font-family="${drawnFont}"`, `font-family="${shownFonts}"`);
}
