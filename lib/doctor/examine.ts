import { troublesOf } from '../troubles/troubles.js';
import { isTemplate } from '../job/job-template.js';
import { QueueError } from '../job/queue.errors.js';
import { listOf, must, oneOf, shape, type Rule } from '../runtime/rules.js';
import { bounded } from '../runtime/bounded.js';
import { LATE, within } from '../runtime/within.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import { DatabaseError } from '../storage/connection/database-errors.js';
import { Diagnosis } from '../storage/diagnosis/diagnosis.js';
import type { Storage } from '../storage/storage.js';
import type { Check, Examination, KnownHandlers } from './check.js';
import { CONNECTION_CHECKS } from './connection-checks.js';
import type { ExamineOptions } from './examine-options.js';
import { byLevel, critical, warning, type Finding } from './finding.js';
import { span } from '../runtime/words.js';
import { LIMIT_CHECKS } from './limit-checks.js';
import { PLACE_CHECKS } from './place-check.js';
import { QUEUE_CHECKS } from './queue-checks.js';
import { SCHEDULE_CHECKS } from './schedule-check.js';
import { SCHEMA_CHECKS } from './schema-checks.js';
import { SERVER_CHECKS } from './server-checks.js';
import { TROUBLE_CHECKS } from './trouble-checks.js';
import { TEMPLATE_CHECKS } from './template-check.js';
import { VACUUM_CHECKS } from './vacuum-checks.js';
import { DAY_MS, inMs } from '../job/values/duration.js';
import { duration } from '../options/handler-rules.js';

const CHECKS: readonly Check[] = [
  ...SERVER_CHECKS,
  ...SCHEMA_CHECKS,
  ...CONNECTION_CHECKS,
  ...VACUUM_CHECKS,
  ...QUEUE_CHECKS,
  ...TROUBLE_CHECKS,
  ...SCHEDULE_CHECKS,
  ...LIMIT_CHECKS,
  ...TEMPLATE_CHECKS,
  ...PLACE_CHECKS,
];

const examineOptions = shape({
  only: listOf(oneOf(...new Set(CHECKS.map(({ code }) => code)))),
  templates: listOf(must(isTemplate, 'a template of defineJob')),
  timeoutMs: duration(100, 600_000),
  longTransactionMs: duration(0, DAY_MS),
} satisfies Record<keyof ExamineOptions, Rule>);

/** A check asks several statements at most. */
const STATEMENTS = 3;

/** Alone in its file with all checks: a process that never asks for them never loads them. */
export async function examine(
  { storage, options, handlers }: { storage: Storage; options: ResolvedOptions; handlers: KnownHandlers | undefined }, // prettier-ignore
  given: ExamineOptions,
): Promise<Finding[]> {
  const { timeoutMs, ...asked } = checked(given);
  const { schema, listenUrl } = options;
  const findings: Finding[] = [];
  const diagnosis = new Diagnosis(storage.database, { schema, listenUrl, timeoutMs });
  try {
    const shared = {
      ...asked,
      diagnosis,
      troubles: once(() => troublesOf(storage, options, diagnosis.run)),
      partitions: storage.partitions,
      options,
      handlers,
      timeoutMs,
    };
    const checks = CHECKS.filter(({ code }) => asked.only?.includes(code) ?? true);
    const first = await bounded({ timeoutMs: STATEMENTS * timeoutMs }, { late: silent }, () => firstLook(diagnosis)); // prettier-ignore
    await examineAll(checks, { ...shared, ...first }, findings);
  } catch (error) {
    findings.push(unreachable(error));
  } finally {
    // A server that is silent does not say goodbye.
    await within(diagnosis.close(), timeoutMs);
  }
  return findings.sort(byLevel);
}

function checked(given: ExamineOptions) {
  const options = inMs(given);
  const problems = examineOptions(options, '');
  if (problems.length > 0)
    throw new QueueError('INVALID_OPTION', `examine: ${problems.join('; ')}.`);
  const { only, templates = [], timeoutMs = 5_000, longTransactionMs = 300_000 } = options;
  return { only, templates, timeoutMs, longTransactionMs };
}

function once<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let answer: Promise<Answer> | undefined;
  return () => (answer ??= ask());
}

/** The first answer opens the connection; the second one measures the time. */
async function firstLook(
  diagnosis: Diagnosis,
): Promise<Pick<Examination, 'server' | 'clock' | 'schema'>> {
  await diagnosis.server();
  const before = Date.now();
  const server = await diagnosis.server();
  const giveMs = (Date.now() - before) / 2;
  const clock = { aheadMs: before + giveMs - server.now.getTime(), giveMs: giveMs + 1 };
  return { server, clock, schema: await diagnosis.version() };
}

async function examineAll(
  checks: readonly Check[],
  examination: Examination,
  findings: Finding[],
): Promise<void> {
  const hasTables = typeof examination.schema !== 'string';
  for (const check of checks)
    if (hasTables || !check.needsTables) findings.push(...(await look(check, examination)));
}

async function look({ code, subject, look }: Check, examination: Examination): Promise<Finding[]> {
  const limitMs = STATEMENTS * examination.timeoutMs;
  try {
    const observed = await within(look(examination), limitMs);
    if (observed !== LATE) return observed.map((observation) => ({ code, ...observation }));
    return [{ code, ...failed(subject, `it took longer than ${span(limitMs)}`) }];
  } catch (error) {
    // Where the server has gone, every other check would only wait for it.
    if (!(error instanceof DatabaseError)) throw error;
    if (error.sqlState === undefined) await examination.diagnosis.server();
    return [{ code, ...failed(subject, error.message) }];
  }
}

const failed = (subject: string, why: string) =>
  warning(
    `Could not look at ${subject}: ${why.replace(/\.$/, '')}.`,
    'Give the role the right, or the check more time (timeoutMs); the other checks do not depend on it.',
  );

const silent = (ms: number): QueueError =>
  new QueueError('DATABASE_UNAVAILABLE', `it took longer than ${span(ms)}.`);

/** @throws what is not the database's doing. */
function unreachable(error: unknown): Finding {
  if (!(error instanceof QueueError)) throw error;
  const advice =
    'See whether the server runs, and whether address, credentials and network are right.';
  return {
    code: 'DATABASE',
    ...critical(`The database cannot be examined: ${error.message}`, advice),
  };
}
