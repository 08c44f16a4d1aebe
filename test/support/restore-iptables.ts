import { execa } from 'execa';

/** The programs that put rules into nf_tables, or into the kernel's older tables. */
export type RestoreVariant = 'nft' | 'legacy';

/**
 * Loads a text, and what is computed from what iptables-save then prints.
 *
 * @param between commands that are run in between, with $T for iptables.
 * @returns what was printed before, and what the tables hold at the end.
 */
export async function restoreOver(
  variant: RestoreVariant,
  { first, between, next }: { readonly first: string; readonly between: string; next(saved: string): string },
): Promise<{ readonly saved: string; readonly held: string }> {
  const script = `
    $T-restore --noflush <<< "$FIRST"
    ${between}
    $T-save
    echo END
    $T-restore --noflush
    $T-save
  `;
  const env = { FIRST: first, T: `iptables-${variant}` };
  const loading = execa('unshare', ['--net', 'bash', '-ec', script], { env, stdin: 'pipe' });
  let saved = '';
  let held = '';
  let isSecond = false;
  for await (const line of loading) {
    if (line === 'END') {
      isSecond = true;
      loading.stdin.end(next(saved));
    } else if (isSecond) {
      held += `${line}\n`;
    } else {
      saved += `${line}\n`;
    }
  }
  return { saved, held: heldRules(held) };
}

/**
 * Loads texts one after the other in a network namespace of their own.
 *
 * @param program `iptables` or `ip6tables`.
 * @returns what the tables filter and nat then hold after each: chains of svc2nft and all rules, sorted, each with its table;
 * the complaint where a text was refused.
 */
export async function restoreInTurn(
  program: string,
  variant: RestoreVariant,
  texts: readonly string[],
): Promise<string[]> {
  const name = `${program}-${variant}`;
  const script = texts.map((_, index) => `${name}-restore --noflush <<< "$TEXT_${index}" 2>&1; ${name}-save; echo END`);
  const env = Object.fromEntries(texts.map((text, index) => [`TEXT_${index}`, text]));
  const { stdout } = await execa('unshare', ['--net', 'bash', '-c', script.join('\n')], { env });
  return stdout.split(/^END$/m).slice(0, texts.length).map(heldRules);
}

function heldRules(saved: string): string {
  let table = '';
  const lines = saved.split('\n').flatMap((line) => {
    table = line.startsWith('*') ? line : table;
    const isOther = line === '' || line === 'COMMIT' || /^[#*]/.test(line) || /^:(?!SVC2NFT-)/.test(line);
    return isOther ? [] : [`${table} ${line.replace(/\[\d+:\d+\]$/, '[0:0]')}`];
  });
  return lines.sort().join('\n');
}
