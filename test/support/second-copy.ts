import { jest } from '@jest/globals';
import type * as Library from '../../lib/index.js';

const FILES = ['job/job-result.js', 'job/permit.js', 'job/queue.errors.js'];

/** What a handler imports, as a second copy of the package has it: the same names, other classes. */
export async function aSecondCopy(): Promise<
  Pick<
    typeof Library,
    'JobResult' | 'Permit' | 'QueueError' | 'CriticalError' | 'UnprocessableError'
  >
> {
  const files: object[] = [];
  await jest.isolateModulesAsync(async () => {
    for (const file of FILES) files.push((await import(`../../lib/${file}`)) as object);
  });
  return Object.assign({}, ...files) as typeof Library;
}
