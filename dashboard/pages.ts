import type { ComponentType } from 'preact';
import { Audit } from './pages/audit.js';
import { Errors } from './pages/errors.js';
import { Job } from './pages/job.js';
import { Jobs } from './pages/jobs.js';
import { Limits } from './pages/limits.js';
import { Overview } from './pages/overview.js';
import { Queue } from './pages/queue.js';
import { Queues } from './pages/queues.js';
import { Schedule } from './pages/schedule.js';
import { Schedules } from './pages/schedules.js';
import { Workflow } from './pages/workflow.js';
import { Workflows } from './pages/workflows.js';
import { Workers } from './pages/workers.js';

/** What the address says beside the page's name. */
export interface PageProps {
  said: Record<string, string>;
}

interface PageFound {
  title: string;
  page: ComponentType<PageProps>;
  /** Behind `g`; without one it is not among the pages at the top. */
  key?: string;
  /** Whose part it is. */
  under?: string;
}

/** By the name in the address. */
export const PAGES: Readonly<Record<string, PageFound>> = {
  overview: { title: 'Overview', page: Overview, key: 'o' },
  queues: { title: 'Queues', page: Queues, key: 'q' },
  queue: { title: 'Queue', page: Queue, under: 'queues' },
  jobs: { title: 'Jobs', page: Jobs, key: 'j' },
  job: { title: 'Job', page: Job, under: 'jobs' },
  errors: { title: 'Errors', page: Errors, key: 'e' },
  schedules: { title: 'Schedules', page: Schedules, key: 's' },
  schedule: { title: 'Schedule', page: Schedule, under: 'schedules' },
  workflows: { title: 'Workflows', page: Workflows, key: 'f' },
  workflow: { title: 'Workflow', page: Workflow, under: 'workflows' },
  workers: { title: 'Workers', page: Workers, key: 'w' },
  limits: { title: 'Limits', page: Limits, key: 'l' },
  audit: { title: 'Audit', page: Audit, key: 'a' },
};
