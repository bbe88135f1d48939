import asyncHooks from 'node:async_hooks';
import { readFileSync, statSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { Script } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

const FAILED = Symbol.for('simple-queue test failed');

/** Compiled once in a worker, for all of its test files: again where a file has changed while Jest watches. */
const scripts = new Map();

function scriptOf(path) {
  const { mtimeMs } = statSync(path);
  const kept = scripts.get(path);
  if (kept?.mtimeMs === mtimeMs) return kept.script;
  const script = new Script(readFileSync(path, 'utf8'), { filename: path });
  scripts.set(path, { script, mtimeMs });
  return script;
}

/** Of the test file that runs. */
const storages = new Set();

class NotedStorage extends asyncHooks.AsyncLocalStorage {
  constructor(...options) {
    super(...options);
    storages.add(this);
  }
}

// One that was ever used is asked at each promise of the process, before Node.js 24, until it is disabled: with those of forty test files
// an await took 3 µs in place of 0.1.
Object.defineProperty(asyncHooks, 'AsyncLocalStorage', { value: NotedStorage });
syncBuiltinESMExports();

/** Node.js, with what `packages.mjs` and `library.mjs` have put together. */
export default class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const run = new Map();
    this.global[Symbol.for('simple-queue packages')] = (path) => {
      if (!run.has(path)) run.set(path, scriptOf(path).runInContext(this.getVmContext()));
      return run.get(path);
    };
  }

  async teardown() {
    await super.teardown();
    for (const storage of storages) storage.disable();
    storages.clear();
  }

  /** For `has-failed.ts`. */
  handleTestEvent({ name }) {
    const { global } = this;
    if (name === 'test_start') global[FAILED] = false;
    if (name === 'test_fn_failure' || name === 'hook_failure') global[FAILED] = true;
  }
}
