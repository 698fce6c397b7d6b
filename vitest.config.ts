import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

/** They wait for time-outs of the outside world, and so for `npm run test:slow`. */
const patient = ['facilitator', 'fault-chain', 'generation-clients', 'limits', 'queue', 'upload'].map(
  (name) => `test/e2e/${name}.test.ts`,
)

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{workerd,e2e,restart,isolate,large,browser}/**'],
          testTimeout: 30_000,
        },
      },
      {
        // Peaks of memory are measured: nothing may run beside it.
        test: { name: 'isolate', include: ['test/isolate/**/*.test.ts'], testTimeout: 60_000, fileParallelism: false },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: './test/workerd/wrangler.toml' } })],
        test: { name: 'workerd', include: ['test/workerd/**/*.test.ts'] },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: patient,
          globalSetup: './test/e2e/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'restart',
          include: ['test/restart/**/*.test.ts'],
          globalSetup: './test/restart/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'patient',
          include: patient,
          globalSetup: './test/e2e/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: './test/e2e/global-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Pictures that take seconds and hundreds of megabytes, through a real Container.
        test: {
          name: 'large',
          include: ['test/large/**/*.test.ts'],
          globalSetup: './test/restart/global-setup.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
