import { expect, test } from 'vitest';
import { renderMarkdown } from '../../../src/cli/manual/render-markdown.ts';
import { currentManual } from './current-manual.ts';
import { hostileManual, hostileText } from './hostile-manual.ts';

test('texts are shown literally, except words in backticks', () => {
  const page = renderMarkdown(hostileManual);
  const escaped = String.raw`it's \[a\] "b": \$(touch pwned) ${'`touch pwned`'} \\n \\fB 100% \<c> | {d} -e \*f\* \_g\_ \#`;
  expect(page).toContain(`\n| \`--fixed\` | .second line: ${escaped.replace('|', '\\|')} |\n`);
  expect(page).toContain(`\n.dot first ${escaped}\n`);
  expect(page).toContain(`\n\`\`\`\n.svc2nft one --first 'a  b' | sed 's/\\\\n//' # ${hostileText}\n\`\`\`\n`);
});

test('options that three commands share are described once', () => {
  const page = renderMarkdown(currentManual);
  expect(page.split('| `--cluster-cidr <cidrs>` |')).toHaveLength(2);
  expect(page).toMatch(/\n\[Common options\]\(#common-options\): `--filename`, .*`--cluster-cidr`/);
});

test('every command has a heading, and the overview links to it', () => {
  const page = renderMarkdown(currentManual);
  for (const { name } of currentManual.commands) {
    expect(page).toContain(`](#svc2nft-${name})`);
    expect(page).toContain(`\n## svc2nft ${name}\n`);
  }
});
