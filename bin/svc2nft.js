#!/usr/bin/env node
import process from 'node:process';

const { main } = await import('../dist/cli/main.js').catch((error) => {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') {
    throw error;
  }
  process.stderr.write('svc2nft is not built: run "npm ci" or "npm run build" in its folder\n');
  process.exit(1);
});

// A reader that has seen enough, such as `head`, is no error, and keeps nothing from being done.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') {
    process.stderr.write(`error: stdout cannot be written: ${error.message}\n`);
    process.exit(2);
  }
});
// Nobody is left to be told.
process.stderr.on('error', () => {});

// Not 1, which of `diff` says that there are differences.
process.exitCode = await main(process.argv.slice(2), process).catch((error) => {
  process.stderr.write(`error: this is a bug in svc2nft, please report it: ${error?.message ?? error}\n`);
  return 2;
});
