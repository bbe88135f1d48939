import type { Look } from './look.js';
import { audit } from './looks/audit.js';
import { errors } from './looks/errors.js';
import { job } from './looks/job.js';
import { jobs } from './looks/jobs.js';
import { limits } from './looks/limits.js';
import { overview } from './looks/overview.js';
import { queue } from './looks/queue.js';
import { queues } from './looks/queues.js';
import { rates } from './looks/rates.js';
import { schedule } from './looks/schedule.js';
import { schedules } from './looks/schedules.js';
import { series } from './looks/series.js';
import { workflow } from './looks/workflow.js';
import { workflows } from './looks/workflows.js';
import { workers } from './looks/workers.js';

/** By the name in their address. */
export const LOOKS: Readonly<Record<string, Look>> = {
  overview,
  audit,
  queue,
  queues,
  rates,
  jobs,
  job,
  schedules,
  schedule,
  workers,
  errors,
  limits,
  series,
  workflows,
  workflow,
};

/** About what a look costs. Those of a job's or a queue's reasons, and of jobs in all places, ask more than others. */
export const statementsOf = (look: string): number =>
  ['jobs', 'job', 'queue'].includes(look) ? 12 : 3;
