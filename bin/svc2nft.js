#!/usr/bin/env node

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
