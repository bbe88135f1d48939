import type { ListedJob } from '../admin/listed-job.js';
import type { FoundJob } from '../job/job.js';
import type { Hiding } from './look.js';

/** What a function that hides parts is given, and what it returns: all that an application has put into a job. */
export type RedactableJob = Pick<FoundJob, 'id' | 'queue' | 'name'> &
  Partial<Pick<FoundJob, (typeof HIDDEN)[number]>>;

const HIDDEN = [
  'payload',
  'payloadBytes',
  'headers',
  'output',
  'checkpoint',
  'progress',
  'lastError',
  'history',
  'uniqueKey',
  'fingerprint',
  'group',
] as const;

type Redact = (job: RedactableJob) => RedactableJob;

const NOTHING: Hiding = {
  job: (job) => job,
  listed: (job) => job,
  error: (error) => error,
  text: (text) => text,
};

/** Whatever an application wants nobody to see, in all that shows of a job. */
export function hidingBy(redact: Redact | undefined): Hiding {
  if (!redact) return NOTHING;
  return {
    job: (job) => {
      const shown = shownOf(redact, job);
      return { ...without(job), ...shown, ...marked(job, shown) } as FoundJob;
    },
    listed: (job) => ({ ...without(job), ...shownOf(redact, job) }) as ListedJob,
    error: (lastError, job) => shownOf(redact, { ...job, lastError } as ListedJob).lastError,
    text: (text, job) => withoutError(text, job, shownOf(redact, job)),
  };
}

/** Nobody may store again what was hidden here. */
const marked = (job: FoundJob, shown: object): object =>
  JSON.stringify(job.payload) === JSON.stringify((shown as Partial<FoundJob>).payload)
    ? {}
    : { redacted: true };

/** A function that fails, or returns something else, shows nothing. */
function shownOf(redact: Redact, job: FoundJob | ListedJob): Partial<RedactableJob> {
  const { id, queue, name } = job;
  const parts = Object.fromEntries(HIDDEN.map((part) => [part, (job as FoundJob)[part]]));
  try {
    const shown: unknown = redact({ id, queue, name, ...structuredClone(parts) });
    if (typeof shown !== 'object' || shown === null) return {};
    return Object.fromEntries(
      HIDDEN.map((part) => [part, readable((shown as FoundJob)[part])]).filter(
        ([, value]) => value !== undefined,
      ),
    ) as Partial<RedactableJob>;
  } catch {
    return {};
  }
}

/** A copy of a Buffer is none. */
const readable = (value: unknown): unknown =>
  value instanceof Uint8Array && !Buffer.isBuffer(value) ? Buffer.from(value) : value;

const without = (job: object): object =>
  Object.fromEntries(
    Object.entries(job).filter(([name]) => !(HIDDEN as readonly string[]).includes(name)),
  );

function withoutError(
  text: string,
  { lastError }: FoundJob,
  shown: Partial<RedactableJob>,
): string {
  if (!lastError?.message) return text;
  return text.replaceAll(lastError.message, () => shown.lastError?.message ?? '[hidden]');
}
