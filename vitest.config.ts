import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** What tests need besides Node, by the middle of their names: `x.kernel.test.ts` belongs to the project `kernel`. */
const needs = ['kernel', 'browser', 'shells', 'cluster'];

const config: ViteUserConfig = defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Modules are loaded once for all files of a worker: no test may keep state in a module or change the environment.
    isolate: false,
    setupFiles: ['test/support/leave-no-trace.ts', 'test/support/repeat-random-tests.ts'],
    // Tests of the kernel wait more than they work.
    maxWorkers: availableParallelism() + 1,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: needs.map((need) => `test/**/*.${need}.test.ts`),
        },
      },
      ...needs.map((need) => ({
        extends: true as const,
        test: { name: need, include: [`test/**/*.${need}.test.ts`] },
      })),
    ],
  },
});

export default config;
