import { checkFilter, type JobFilter } from '../../admin/job-filter.js';
import { withoutKey } from '../../admin/limits.js';
import { namesPlace } from '../../admin/list-cursor.js';
import type { ListedJob } from '../../admin/listed-job.js';
import type { Cause } from '../../job/failure.js';
import type { FoundJob } from '../../job/job.js';
import { hush } from '../../job/kinds.js';
import type { WorkflowSummary } from '../../job/workflow.js';
import { QueueError } from '../../job/queue.errors.js';
import { shellWord } from '../../runtime/words.js';
import { payloadOf } from '../../storage/reading/find.repository.js';
import type { Hiding } from '../look.js';
import type { Source } from '../source.js';
import { Seal } from '../sealed.js';

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
  'workflowId',
] as const;

type Redact = (job: RedactableJob) => RedactableJob;

const NOTHING: Hiding = {
  job: (job) => job,
  listed: (job) => job,
  error: (error) => error,
  text: (text) => text,
  group: (group) => group,
  workflow: (flow) => flow,
  search: () => Promise.resolve(),
  next: (cursor) => cursor,
  after: (cursor) => cursor,
  selector: (selector) => selector,
};

/** Whatever an application wants nobody to see, in all that shows of a job. */
export function hidingBy(redact: Redact | undefined): Hiding {
  if (!redact) return NOTHING;
  const seal = new Seal();
  return {
    job: (job) => {
      const shown = shownOf(redact, job);
      return { ...without(job), ...shown, ...marked(job, shown) } as FoundJob;
    },
    listed: (job) => ({ ...without(job), ...shownOf(redact, job) }) as ListedJob,
    error: (lastError, job) => shownOf(redact, { ...job, lastError } as ListedJob).lastError,
    text: (text, job) => withoutQuotes(text, job, shownOf(redact, job)),
    group: (group, { id, queue }) =>
      group === '' ? group : shownOf(redact, { id, queue, name: '', group } as FoundJob).group,
    workflow: (flow) => ({ ...flow, uniqueKey: keyShownOf(redact, flow) }),
    search: (filter, lanes) => refuseHidden(redact, filter, lanes),
    next: (cursor) => (namesPlace(cursor) ? seal.close(cursor) : cursor),
    after: (cursor) => seal.open(cursor, namesPlace),
    selector: (selector) => withoutGuesses(selector) as typeof selector,
  };
}

/** Nobody may store again what was hidden here. The key of a limit is a part of the payload. */
const marked = (job: FoundJob, { payload }: Partial<FoundJob>): object =>
  isWhole(job, payload) ? {} : { redacted: true, limitKey: undefined };

/** A member that is stored twice is there once for JavaScript: nothing is known of the other one. */
const isWhole = (job: FoundJob, shown: unknown): boolean =>
  payloadOf(job).text((number) => JSON.stringify(Number(number))) === written(shown);

/** A function that fails, or returns something else, shows nothing. */
function shownOf(redact: Redact, job: FoundJob | ListedJob): Partial<RedactableJob> {
  const { id, queue, name } = job;
  const parts = Object.fromEntries(HIDDEN.map((part) => [part, (job as FoundJob)[part]]));
  try {
    const shown: unknown = redact({ id, queue, name, ...structuredClone(parts) });
    hush(shown);
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

/** A copy of a Buffer is none, and a circle cannot be sent. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array && !Buffer.isBuffer(value)) return Buffer.from(value);
  return written(value) === undefined ? undefined : value;
}

/** undefined: a circle, or too deep. */
function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const without = (job: object): object =>
  Object.fromEntries(
    Object.entries(job).filter(([name]) => !(HIDDEN as readonly string[]).includes(name)),
  );

export const TEXTS = ['uniqueKey', 'fingerprint', 'group', 'workflowId'] as const;

/** Reasons quote errors, groups, and the key that is in the payload. */
function withoutQuotes(text: string, job: FoundJob, shown: Partial<RedactableJob>): string {
  const { lastError } = job;
  let told = 'redacted' in marked(job, shown) ? withoutKey(text, job.queue) : text;
  if (lastError?.message) told = told.replaceAll(toldOf(lastError), () => toldOf(shown.lastError));
  for (const part of TEXTS)
    if (job[part] !== shown[part]) told = withoutWord(told, String(job[part]));
  return told;
}

/** Quoted, and as the last word of a command's own. */
const withoutWord = (text: string, word: string): string =>
  ['`', ' --'].reduce(
    (told, end) => told.replaceAll(` ${shellWord(word)}${end}`, ` '[hidden]'${end}`),
    text.replaceAll(`"${word}"`, '"[hidden]"'),
  );

/** As reasons quote it. */
const toldOf = (error: Partial<Cause> = {}): string =>
  `${error.name ?? '[hidden]'}: ${error.message ?? '[hidden]'}`;

const keyShownOf = (redact: Redact, { id, name, uniqueKey }: WorkflowSummary): string | undefined =>
  uniqueKey && shownOf(redact, { id, queue: '', name, uniqueKey } as FoundJob).uniqueKey;

/** Who may not see something must not find it out by searching, either: what is hidden in one of the lanes that are searched is not searched. */
async function refuseHidden(
  redact: Redact,
  filter: JobFilter,
  lanesOf: Source['lanes'],
): Promise<void> {
  const { where, error, queue = '', name = '' } = filter;
  const said = TEXTS.filter((part) => filter[part] !== undefined);
  const lanes = said.length > 0 ? await lanesOf(checkFilter('search', filter)) : [];
  const shown = [{ queue, name }, ...lanes].map((lane) =>
    shownOf(redact, { ...filter, id: NOBODY, queue: lane.queue, name: lane.name } as never),
  );
  const hidden = said.filter((part) => shown.some((job) => job[part] !== filter[part]));
  if (where === undefined && error === undefined && hidden.length === 0) return;
  throw new QueueError(
    'INVALID_OPTION',
    hidden.length > 0
      ? `What this search names is hidden here (\`redact\`), so it cannot be searched: ${hidden.join(', ')}.`
      : 'Payloads, outputs and errors are hidden here (`redact`), so they cannot be searched.',
  );
}

const NOBODY = '00000000-0000-0000-0000-000000000000';
const GUESSES = [...TEXTS, 'error', 'where', 'payload', 'key'];

function withoutGuesses(selector: unknown): unknown {
  if (typeof selector !== 'object' || selector === null || Array.isArray(selector)) return selector;
  return Object.fromEntries(
    Object.entries(selector).map(([name, value]) => [
      name,
      GUESSES.includes(name) ? '[hidden]' : withoutGuesses(value),
    ]),
  );
}
