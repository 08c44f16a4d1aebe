/** So many questions are asked at most: each takes as long as loading the table. */
const mostQuestions = 200;

/**
 * Finds, by halving, which items have to be left out so that the others are accepted: about 2 log2(n) questions for each
 * culprit. Undefined when not even the empty list is accepted, so that it is nobody's fault. When there are so many
 * culprits that 200 questions do not find them all, whoever was not accepted by then counts as one.
 *
 * @param accepts whether a list of items, in the order given here, is accepted.
 */
export async function findCulprits(
  items: readonly string[],
  accepts: (items: readonly string[]) => Promise<boolean>,
): Promise<readonly string[] | undefined> {
  let questions = 0;
  const ask: typeof accepts = (candidates) => {
    questions += 1;
    return questions > mostQuestions ? Promise.resolve(false) : accepts(candidates);
  };
  if (!(await ask([]))) {
    return undefined;
  }
  const accepted = new Set(await addAccepted([], items, ask));
  return items.filter((item) => !accepted.has(item));
}

/** `accepted`, and as many of the candidates as are accepted with it. */
async function addAccepted(
  accepted: readonly string[],
  candidates: readonly string[],
  accepts: (items: readonly string[]) => Promise<boolean>,
): Promise<readonly string[]> {
  const all = [...accepted, ...candidates];
  if (candidates.length === 0 || (await accepts(all))) {
    return all;
  }
  if (candidates.length === 1) {
    return accepted;
  }
  const middle = Math.floor(candidates.length / 2);
  const first = await addAccepted(accepted, candidates.slice(0, middle), accepts);
  return addAccepted(first, candidates.slice(middle), accepts);
}
