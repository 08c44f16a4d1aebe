/** Lays a graph in Graphviz' language out as SVG, with Graphviz compiled to WebAssembly. It is loaded only here: 0.8 MB. */
export async function layOutSvg(dot: string): Promise<string> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  return graphviz.layout(dot, 'svg', 'dot');
}
