import { describeValue } from '../describe-value.ts';

/** What is wrong with the name of a file to write, as far as its text shows, or undefined. */
export function outputFileProblem(text: string): string | undefined {
  if (text === '') {
    return `${describeValue(text)} names no file`;
  }
  return text.endsWith('/') ? `${describeValue(text)} names a folder; a file is expected` : undefined;
}
