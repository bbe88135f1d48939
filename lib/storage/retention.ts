import type { ResolvedOptions } from '../options/simple-queue.options.js';

/**
 * How long ended jobs are kept, in milliseconds by queue name; `''` stands for every other queue, null for "deleted at once". Handed to
 * statements that end jobs of queues which the caller does not know.
 */
export type Retention = Readonly<Record<string, number | null>>;

const keepOf = (kept: false | { readonly keepMs: number }): number | null => (kept ? kept.keepMs : null);

/** No prototype: a queue may be called `__proto__`. */
function retention(rest: number | null, own: Iterable<readonly [string, number | null]>): Retention {
  return Object.assign(Object.create(null) as Record<string, number | null>, { '': rest }, Object.fromEntries(own));
}

export function archiveRetention({ archive, queues }: Pick<ResolvedOptions, 'archive' | 'queues'>): Retention {
  return retention(
    keepOf(archive),
    [...queues].flatMap(([name, own]) => (own.archive === undefined ? [] : [[name, keepOf(own.archive)] as const])),
  );
}

export function deadLetterRetention({ deadLetter, queues }: Pick<ResolvedOptions, 'deadLetter' | 'queues'>): Retention {
  return retention(
    deadLetter.keepMs,
    [...queues].flatMap(([name, own]) => (own.deadLetter ? [[name, own.deadLetter.keepMs] as const] : [])),
  );
}
