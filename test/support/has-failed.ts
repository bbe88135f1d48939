/** The test that runs, or has just run: for clean-up that spares the next ones what it left behind. Told by `environment.mjs`. */
export const hasFailed = (): boolean => (globalThis as { [FAILED]?: boolean })[FAILED] === true;

const FAILED = Symbol.for('simple-queue test failed');
