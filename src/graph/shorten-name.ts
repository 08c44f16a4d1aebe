/** Characters of a name that a drawing shows. */
const mostShown = 60;

/** How many of them are the end of the name. */
const ending = 20;

/**
 * A text as a drawing shows it. Long ones lose their middle: names of pods and nodes often differ at the end alone, and no
 * rule of Kubernetes keeps a node name in an EndpointSlice short.
 */
export function shortenName(text: string): string {
  const characters = [...text];
  if (characters.length <= mostShown) {
    return text;
  }
  const beginning = characters.slice(0, mostShown - ending - 1).join('');
  return `${beginning}…${characters.slice(-ending).join('')}`;
}
