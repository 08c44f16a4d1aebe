import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { renderManPage } from '../../../src/cli/manual/render-man-page.ts';
import { currentManual } from './current-manual.ts';
import { hostileManual, hostileText } from './hostile-manual.ts';
import { programsRun } from './shells.ts';

describe.runIf(programsRun('groff'))('in groff', () => {
  /** The page as plain ASCII text, and what groff warns of. */
  async function typeset(page: string): Promise<{ readonly text: string; readonly warnings: string }> {
    // -rLL: the length of a line; -P-cbou: no overstriking.
    const { stdout, stderr } = await execa('groff', ['-man', '-ww', '-Tascii', '-P-cbou', '-rLL=300n'], {
      input: page,
    });
    return { text: stdout, warnings: stderr };
  }

  test('the page of svc2nft renders without warnings, with everything in its place', async () => {
    const manual = currentManual;
    const { text, warnings } = await typeset(renderManPage(manual));
    expect(warnings).toBe('');
    for (const { usage, examples, options } of manual.commands) {
      expect(text).toContain(usage);
      for (const line of examples) {
        expect(text).toContain(`           ${line}\n`);
      }
      for (const { names } of options) {
        expect(text).toContain(names.join(', '));
      }
    }
    expect(text).toMatch(/^SVC2NFT\(1\)/);
    expect(text).toMatch(/^NAME\n {7}svc2nft - compiles /m);
  });

  test('texts are shown literally', async () => {
    const { text, warnings } = await typeset(renderManPage(hostileManual));
    expect(warnings).toBe('');
    // What stands in backticks is bold instead.
    const prose = hostileText.replaceAll('`', '');
    expect(text).toContain(`\n       .dot first ${prose}\n`);
    expect(text).toContain(`\n              .second line: ${prose}\n`);
    expect(text).toContain(`\n           .dot first\n           'quote first\n             ${hostileText}\n`);
    expect(text).toContain(`\n           .svc2nft one --first 'a  b' | sed 's/\\\\n//' # ${hostileText}\n`);
  });
});

test('a page has no date', () => {
  expect(renderManPage(hostileManual)).toContain('\n.TH SVC2NFT 1 "" "svc2nft 1.2.3" "User Commands"\n');
});
