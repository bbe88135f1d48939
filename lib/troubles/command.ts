import { shellWord } from '../runtime/words.js';

const USUAL_SCHEMA = 'simple_queue';

/** A command of `simple-queue`, to be typed as it is. */
export function command(words: readonly string[], schema: string): string {
  const shared = schema === USUAL_SCHEMA ? [] : ['--schema', schema];
  return ['simple-queue', ...words, ...shared].map(shellWord).join(' ');
}
