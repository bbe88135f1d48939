import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

const FAILED = Symbol.for('simple-queue test failed');

/** Compiled once in a worker, for all of its test files. */
const scripts = new Map();

function scriptOf(path) {
  if (!scripts.has(path))
    scripts.set(path, new Script(readFileSync(path, 'utf8'), { filename: path }));
  return scripts.get(path);
}

/** Node.js, with what `packages.mjs` has put together. */
export default class Environment extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const run = new Map();
    this.global[Symbol.for('simple-queue packages')] = (path) => {
      if (!run.has(path)) run.set(path, scriptOf(path).runInContext(this.getVmContext()));
      return run.get(path);
    };
  }

  /** For `has-failed.ts`. */
  handleTestEvent({ name }) {
    const { global } = this;
    if (name === 'test_start') global[FAILED] = false;
    if (name === 'test_fn_failure' || name === 'hook_failure') global[FAILED] = true;
  }
}
