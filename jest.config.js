import swc from './swc.config.js';
import { patient } from './test/support/patience.mjs';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test', '<rootDir>/sample'],
  testMatch: ['**/*.spec.ts'],
  // Applications of their own, with test runners of their own: scripts/consumers.mjs runs them.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/consumers/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: {
    '^nestjs-simple-queue$': '<rootDir>/lib/index.ts',
    '^nestjs-simple-queue/admin$': '<rootDir>/lib/admin.ts',
    '^nestjs-simple-queue/workflows$': '<rootDir>/lib/workflows.ts',
    '^nestjs-simple-queue/limits$': '<rootDir>/lib/limits.ts',
    '^nestjs-simple-queue/pull$': '<rootDir>/lib/pull.ts',
    '^nestjs-simple-queue/redis$': '<rootDir>/lib/redis.ts',
    '^nestjs-simple-queue/testing$': '<rootDir>/lib/testing/testing.ts',
    '^nestjs-simple-queue/dashboard$': '<rootDir>/lib/dashboard/dashboard.ts',
    '^nestjs-simple-queue/telemetry$': '<rootDir>/lib/opentelemetry/opentelemetry.ts',
    '^nestjs-simple-queue/migrations$': '<rootDir>/migrations/migrations.ts',
    '^@nestjs/config$': '<rootDir>/test/support/nestjs-config.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
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
