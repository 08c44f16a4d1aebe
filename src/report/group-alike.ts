import { compareText } from '../compare-text.ts';
import type { Where } from './family-changes.ts';

/** Something said of one frontend. */
export interface Remark<T> {
  readonly frontend: string;
  readonly value: T;
}

/**
 * Says once what is the same for several frontends.
 *
 * @param remarks at most one for each frontend.
 * @param possible how many frontends might have had a remark: where all of them have the same, none is named.
 * @returns sorted by what is said; frontends sorted.
 */
export function groupAlike<T extends object>(remarks: readonly Remark<T>[], possible: number): (T & Where)[] {
  if (remarks.length === 0) {
    return [];
  }
  const groups = new Map<string, { value: T; frontends: string[] }>();
  for (const { frontend, value } of remarks) {
    const text = JSON.stringify(value);
    const group = groups.get(text) ?? { value, frontends: [] };
    group.frontends.push(frontend);
    groups.set(text, group);
  }
  return [...groups.keys()].sort(compareText).flatMap((text) => {
    const group = groups.get(text);
    return group ? [withFrontends(group, possible)] : [];
  });
}

function withFrontends<T extends object>(
  { value, frontends }: { value: T; frontends: string[] },
  possible: number,
): T & Where {
  return frontends.length === possible ? value : { ...value, frontends: frontends.sort(compareText) };
}
