import type { INestApplicationContext } from '@nestjs/common';
import { isTemplate, type GivenOf, type JobTarget, type OutputOf } from '../job/job-template.js';
import type { FoundJob } from '../job/job.js';
import { checkQueueName } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { foundJob, type FoundRow } from '../storage/claim/row-mapper.js';
import { partsOf, type OfInstance } from './application-parts.js';
import { checkExpected, fits, isOf, type ExpectedJob } from './expected-job.js';
import { listed, MOST_LINES, wantedIn } from './job-lines.js';
import { foundOf } from './recorded-job.js';
import { RecordingQueueService } from './recording-queue.service.js';
import { LIST_ENQUEUED } from './sql/list-enqueued.sql.js';

/** Where enqueued jobs are looked for: in the tables of an application, or in what a recording service has recorded. */
export type JobSource = INestApplicationContext | RecordingQueueService;

type Found<Target extends JobTarget> = FoundJob<GivenOf<Target>, OutputOf<Target>>;

/** What was looked for, and what was there instead; the texts are for messages. */
interface Search<Target extends JobTarget> {
  found: Found<Target>[];
  wanted: string;
  enqueued: string;
}

const MOST = 10_000;

/** @throws QueueError `INVALID_NAME`, `INVALID_OPTION` (more than 10,000 jobs to look through, too), `MODULE_INVALID`. */
export async function search<Target extends JobTarget>(
  source: JobSource,
  target: Target,
  expected: ExpectedJob<GivenOf<Target>> = {},
  options: OfInstance = {},
): Promise<Search<Target>> {
  if (!isTemplate(target)) checkQueueName(target);
  checkExpected(expected);
  const { own, newest } =
    source instanceof RecordingQueueService
      ? recorded(source)
      : await stored(source, target, options);
  const found = own.filter((job) => isOf(target, job) && fits(job, expected)) as Found<Target>[];
  return { found, wanted: wantedIn(target, expected), enqueued: listed(newest) };
}

interface Looked {
  own: FoundJob[];
  newest: FoundJob[];
}

function recorded({ enqueued }: RecordingQueueService): Looked {
  const own = enqueued.map(foundOf);
  return { own, newest: own };
}

async function stored(
  app: INestApplicationContext,
  target: JobTarget,
  options: OfInstance,
): Promise<Looked> {
  const { callers } = partsOf(app, options).storage.database;
  const [queue, name] = isTemplate(target) ? [target.queue, target.name] : [target, null];
  const list = async (values: unknown[]) =>
    (await callers.run<FoundRow>(LIST_ENQUEUED, values)).map(foundJob);
  const own = await list([queue, name, MOST + 1]);
  if (own.length > MOST)
    throw new QueueError(
      'INVALID_OPTION',
      `Queue "${queue}" holds more than ${MOST} jobs, too many to look through. Call clear(app) between tests.`,
    );
  return { own, newest: await list([null, null, MOST_LINES]) };
}
