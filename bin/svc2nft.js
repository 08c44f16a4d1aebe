#!/usr/bin/env node

import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Whether stdout was closed (`>&-`), so that what is printed would be lost: Node opens /dev/null in its place before any
 * program runs, for reading and writing. Some programs open it like this for their children; a shell (`> /dev/null`) never does.
 */
const isStdoutClosed = () => {
  const parent = `/proc/${process.ppid}`;
  try {
    if (readlinkSync('/proc/self/fd/1') !== '/dev/null') {
      return false;
    }
    const [, flags] = /^flags:\s+([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/1', 'utf8')) ?? [];
    const isForBoth = (Number.parseInt(flags ?? '0', 8) & 3) === 2;
    return (
      isForBoth && /^(ba|da|z|k|mk|fi|a)?sh$/.test(readFileSync(`${parent}/comm`, 'utf8').trim()) && !isNull(parent)
    );
  } catch {
    // There is no /proc, or the parent is another user's.
    return false;
  }
};

/** Whether the stdout of a process is /dev/null, so that its children inherit that. */
const isNull = (/** @type {string} */ folder) => {
  try {
    return readlinkSync(`${folder}/fd/1`) === '/dev/null';
  } catch (error) {
    if (error?.code === 'ENOENT') {
      return false;
    }
    throw error;
  }
};

if (isStdoutClosed()) {
  process.stderr.write('error: stdout is closed; to print nothing, use > /dev/null\n');
  process.exit(2);
}

// Node opens the files of a program side by side.
const refuseFewFiles = (error) => {
  if (error?.code === 'EMFILE' || error?.code === 'ENFILE') {
    process.stderr.write('error: too many open files; allow at least 64 (ulimit -n 64)\n');
    process.exit(2);
  }
};

// The global process: an import of node:process would open all standard streams.
const { main } = await import('../dist/cli/main.js').catch((error) => {
  refuseFewFiles(error);
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') {
    throw error;
  }
  process.stderr.write('svc2nft is not built: run "npm ci" or "npm run build" in its folder\n');
  process.exit(1);
});

// A reader that stops early, such as `head`, is not an error and must not keep the command from finishing.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`error: cannot write to stdout: ${error.message}\n`);
    process.exit(2);
  }
});
// There is nowhere left to report it.
process.stderr.on('error', () => {});

// A bug must not exit with 1, which means "differences" for `diff`.
process.exitCode = await main(process.argv.slice(2), process).catch((error) => {
  refuseFewFiles(error);
  process.stderr.write(`error: this is a bug in svc2nft, please report it: ${error?.stack ?? error}\n`);
  return 2;
});
