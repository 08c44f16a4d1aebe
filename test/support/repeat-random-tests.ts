/* Set up before each test file: SEED and FIXTURE are for all random tests, whether they name them or not. */

const { SEED: seed, FIXTURE: fixture } = process.env;

if (seed !== undefined || fixture !== undefined) {
  const { default: fc } = await import('fast-check');
  if (seed !== undefined) {
    fc.configureGlobal({ seed: Number(seed) });
  }
  if (fixture !== undefined) {
    const { keepClusters } = await import('./keep-clusters.ts');
    fc.configureGlobal({
      ...fc.readConfigureGlobal(),
      reporter: (run) => {
        if (run.failed) {
          keepClusters(run.counterexample);
          throw new Error(fc.defaultReportMessage(run), { cause: run.errorInstance });
        }
      },
    });
  }
}

export {};
