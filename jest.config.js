import swc from './swc.config.js';
import { patient } from './test/support/patience.mjs';
import { packagesFolder } from './test/support/packages.mjs';
import { seed } from './test/support/seed.mjs';

// The workers' resolver reads it.
process.env.SQ_TEST_PACKAGES = await packagesFolder();
process.env.SQ_SEED ??= String(seed());

/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/support/environment.mjs',
  roots: ['<rootDir>/test', '<rootDir>/sample'],
  testMatch: ['**/*.spec.ts'],
  // Applications of their own, with test runners of their own: scripts/consumers.mjs runs them.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/consumers/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swc] },
  resolver: '<rootDir>/test/support/resolver.mjs',
  testSequencer: '<rootDir>/test/support/sequencer.mjs',
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  testTimeout: patient(30_000),
  // Many tests wait for time to pass: two on two cores left a third of them idle.
  maxWorkers: 3,
  // Modules of ES specs are not given back: at 1.5 GB a worker is busier with that than with tests.
  workerIdleMemoryLimit: '700MB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts', 'migrations/**/*.ts'],
};
