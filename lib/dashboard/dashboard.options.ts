import type { CanActivate, ModuleMetadata, Type } from '@nestjs/common';
import { INSTANCE_NAME } from '../options/handler-rules.js';
import { QueueError } from '../job/queue.errors.js';
import { callable, listOf, must, shape, type Rule } from '../runtime/rules.js';
import type { DashboardAccess } from './access/access.js';
import type { RedactableJob } from './access/redaction.js';

/** The request of the application's framework: Express, or Fastify, with what its guards have put there. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- which of them it is, the application knows
export type DashboardRequest = any;

/** What may depend on other providers; all of it is optional. */
export interface SimpleQueueDashboardOptions {
  /**
   * Who may do what, asked for every request, behind the guards. Default: nobody, but a developer: `NODE_ENV=development`, on this very
   * machine, with no proxy between. What it throws, the application's exception filters see.
   */
  access?: (request: DashboardRequest) => DashboardAccess | Promise<DashboardAccess>;
  /** Who it is, for the log: each act is a line of `SimpleQueueDashboard` with this name (its first 200 characters), the action and what it was done to. */
  actor?: (request: DashboardRequest) => string | undefined | Promise<string | undefined>;
  /** Hides what nobody may see of a job, in all that shows of it. It is given a copy; where it throws, nothing of these is shown. */
  redact?: (job: RedactableJob) => RedactableJob;
  /** Where traces are: an address with `{traceId}` in it. Jobs that were enqueued with telemetry have a link then. */
  traceUrl?: string;
}

/** What must be known before any provider is made. */
export interface SimpleQueueDashboardExtras {
  /** Where it is, as of any controller: the global prefix comes before it. Default `queues`. */
  path?: string;
  /** Nest's guards, in front of every address of the dashboard; of `imports` they may inject. */
  guards?: (Type<CanActivate> | CanActivate)[];
  /** What the guards need. */
  imports?: ModuleMetadata['imports'];
  /** Which instances of `SimpleQueueModule`, by their `name`; the page has a switch for several. Default `['default']`. */
  instances?: string[];
}

const address: Rule = must(
  (value) => typeof value === 'string' && /^https?:\/\//.test(value) && value.includes('{traceId}'),
  'an address that starts with http:// or https:// and has {traceId} in it',
);

const OPTIONS = shape({
  access: callable,
  actor: callable,
  redact: callable,
  traceUrl: address,
} satisfies Record<keyof SimpleQueueDashboardOptions, Rule>);

const EXTRAS = shape({
  path: must((value) => typeof value === 'string', 'a text'),
  guards: must(Array.isArray, 'a list of guards'),
  imports: must(Array.isArray, 'a list of modules'),
  instances: listOf(INSTANCE_NAME),
} satisfies Record<keyof SimpleQueueDashboardExtras, Rule>);

/** @throws QueueError `INVALID_OPTION` with all that is wrong. */
export function checkDashboardOptions(options: unknown): SimpleQueueDashboardOptions {
  refuse(OPTIONS(options ?? {}, ''));
  return options ?? {};
}

/** @throws QueueError `INVALID_OPTION` with all that is wrong. */
export function checkDashboardExtras(extras: SimpleQueueDashboardExtras): void {
  refuse(EXTRAS(extras, ''));
}

function refuse(problems: string[]): void {
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `SimpleQueueDashboardModule: ${problems.join('; ')}.`);
}
