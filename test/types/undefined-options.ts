import type {
  CheckpointOptions,
  CreateEntitiesOptions,
  EnqueueItem,
  EnqueueManyOptions,
  EnqueueOptions,
  HandleJobOptions,
  JobTemplate,
  LogOptions,
  OnJobEventOptions,
  QueueHandlerOptions,
  QueueService,
  QueueSettings,
  SimpleQueueOptions,
  TemplateDefaults,
  WaitOptions,
  WorkerSettings,
} from 'nestjs-simple-queue';
import { constant, exponential, HandleJob, linear, SimpleQueueModule } from 'nestjs-simple-queue';
import type {
  AuditFilter,
  CancelOptions,
  ExamineOptions,
  JobFilter,
  PurgeOptions,
  RedriveOptions,
} from 'nestjs-simple-queue/admin';
import type {
  SimpleQueueDashboardExtras,
  SimpleQueueDashboardOptions,
} from 'nestjs-simple-queue/dashboard';
import type { LimitRule, WithinOptions } from 'nestjs-simple-queue/limits';
import type { CreateMigrationsOptions } from 'nestjs-simple-queue/migrations';
import type { RedisJobQueueOptions } from 'nestjs-simple-queue/redis';
import type { DeclaredSchedule, NewSchedule, ScheduleOptions } from 'nestjs-simple-queue/schedules';
import type { OpenTelemetryOptions } from 'nestjs-simple-queue/telemetry';
import type {
  ExpectedJob,
  ExpectedSchedule,
  ExpectedWorkflow,
  InMemoryJobQueueOptions,
  RunOptions,
} from 'nestjs-simple-queue/testing';
import type { StartOptions, StepOptions } from 'nestjs-simple-queue/workflows';

// For applications with `exactOptionalPropertyTypes`: an option that is `undefined` is one that is left out.
// `npm run check` compiles this so, against the types that are published.

type Optional<Options> = {
  [Name in keyof Options]-?: object extends Pick<Options, Name> ? Name : never;
}[keyof Options];

/** The names of the options that may be left out, and refuse `undefined`. */
type Refused<Options> = Options extends unknown
  ? { [Name in Optional<Options>]: Takes<Options, Name> }[Optional<Options>]
  : never;

type Takes<Options, Name extends keyof Options> =
  Record<Name, undefined> extends Pick<Options, Name> ? never : Name;

/** As a tuple, since a union of options would hide which one it was. */
type AllTake<All extends readonly unknown[]> = { [At in keyof All]: Refused<All[At]> }[number];

export type TakesUndefined = [
  ...[EnqueueOptions, EnqueueItem, EnqueueManyOptions, CheckpointOptions, TemplateDefaults],
  ...[WaitOptions, HandleJobOptions, QueueHandlerOptions, OnJobEventOptions, LogOptions],
  ...[QueueSettings, WorkerSettings, SimpleQueueOptions, CreateEntitiesOptions],
  ...[CreateMigrationsOptions, RedisJobQueueOptions, OpenTelemetryOptions, LimitRule],
  ...[WithinOptions, JobFilter, AuditFilter, CancelOptions, PurgeOptions, RedriveOptions],
  ...[ExamineOptions, SimpleQueueDashboardOptions, SimpleQueueDashboardExtras, NewSchedule],
  ...[ScheduleOptions, DeclaredSchedule, ExpectedJob, ExpectedSchedule, ExpectedWorkflow],
  ...[InMemoryJobQueueOptions, RunOptions, StartOptions, StepOptions],
];

export const refused: Record<AllTake<TakesUndefined>, 'refuses undefined'> = {};

type MaybeText = string | undefined;
type MaybeNumber = number | undefined;

export async function calls(
  queue: QueueService,
  mail: JobTemplate<{ to: string }>,
  text: MaybeText,
  count: MaybeNumber,
) {
  const backoff = exponential({ baseMs: 5, factor: count, maxMs: count, jitter: count });
  const options = { name: text, delayMs: count, uniqueKey: text, maxAttempts: count, backoff };
  await queue.enqueue('mail', {}, options);
  await queue.enqueue(mail, { to: 'ann' }, { delayMs: count, group: text });
  await queue.enqueueMany('mail', [{ payload: {}, ...options }], { maxPending: count });
  void [constant({ delayMs: 5 }), linear({ delayMs: 5, maxMs: count })];
  HandleJob('welcome', { timeoutMs: count, maxAttempts: count });
  return SimpleQueueModule.forRoot({
    name: text,
    worker: { labels: undefined },
    queues: { mail: { concurrency: count, maxPending: count } },
    archive: count === undefined ? undefined : { keepMs: count },
  });
}
