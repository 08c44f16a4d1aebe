import { parseCidr } from '../../address.ts';
import { describePath, describeValue } from '../../describe-value.ts';
import type { Path } from '../1-read/document.ts';
import type { Report } from './report.ts';

/** Checks that every entry of the list at `path` is an `address/prefix` of either family. */
export function checkCidrs(texts: readonly string[], path: Path, report: Report): void {
  for (const [index, text] of texts.entries()) {
    checkCidr(text, [...path, index], report);
  }
}

/** Checks one `address/prefix`; blanks around it, host bits and leading zeros are fine. */
export function checkCidr(text: string, path: Path, report: Report): void {
  if (!parseCidr(text)) {
    const message = `${describePath(path)} is ${describeValue(text)}; a CIDR such as 192.0.2.0/24 is expected`;
    report('invalid-cidr', path, message);
  }
}
