import type * as Library from '../../lib/index.js';

const FILES = ['job/job-result.js', 'job/permit.js', 'job/queue.errors.js'];

/** What a handler imports, as a second copy of the package has it: the same names, other classes. */
export async function aSecondCopy(): Promise<
  Pick<
    typeof Library,
    'JobResult' | 'Permit' | 'QueueError' | 'CriticalError' | 'UnprocessableError'
  >
> {
  const files = await Promise.all(
    FILES.map((file) => import(`../../lib/${file}?second-copy`) as Promise<object>),
  );
  return Object.assign({}, ...files) as typeof Library;
}
