import type { Command } from 'commander';
import { QueueError } from '../../../job/queue.errors.js';
import type { Schedule, ScheduleTick } from '../../../job/schedule.js';
import type { Act, AddCommand, Cli } from '../../command.js';
import type { Cell } from '../../show/table.js';
import { fromNow, moment, span } from '../../show/times.js';
import { addScheduleActs, refuseUnknownOwner } from './schedules-act.command.js';
import { examples } from '../../examples.js';

/** `schedules`: what is enqueued by the clock, and what became of its times. */
export const addSchedules: AddCommand = (program, act) => {
  const schedules = program
    .command('schedules')
    .description('what is enqueued by the clock: list, show, pause, resume, run, backfill, prune')
    .addHelpText('after', examples('schedules'));
  addLists(schedules, act);
  addScheduleActs(schedules, act);
};

function addLists(schedules: Command, act: Act): void {
  schedules
    .command('list', { isDefault: true })
    .description('every schedule, with its next time')
    .option('--owner <owner>', 'of this owner only')
    .addHelpText('after', examples('schedules list --json'))
    .action(act((cli, flags: { owner?: string }) => list(cli, flags)));
  schedules
    .command('show')
    .description('one schedule: its next ten runs, and what became of its last times')
    .argument('<name>', 'its name')
    .addHelpText('after', examples('schedules show reports'))
    .action(act(show));
}

async function list(cli: Cli, { owner }: { owner?: string }): Promise<void> {
  const { schedules } = await cli.session();
  const found: Schedule[] = [];
  for (let after = ''; ; after = found.at(-1)!.name) {
    const page = await schedules.list({ after, ...(owner === undefined ? {} : { owner }) });
    found.push(...page);
    if (page.length < 1_000) break;
  }
  if (found.length === 0) await refuseUnknownOwner(schedules, owner);
  await cli.screen.answer({ schedules: found }, async () => {
    if (found.length === 0) return cli.screen.say('There are no schedules.');
    const heads = ['when', 'zone', 'queue', 'next', 'last', ''].map((head) => ({ head }));
    await cli.screen.table([{ head: 'name', shrinks: true }, ...heads], found.map(rowOf));
  });
}

/** A worker should have enqueued it; the runs to come do not say so. */
const isDue = ({ nextAt, pausedAt }: Schedule): boolean =>
  !pausedAt && nextAt !== undefined && nextAt.getTime() <= Date.now();
const whenOf = ({ cron, everyMs }: Schedule): string => cron ?? `every ${span(everyMs!)}`;
const targetOf = ({ queue, jobName }: Schedule): string => `${queue}${jobName && `/${jobName}`}`;

function rowOf(schedule: Schedule): Cell[] {
  const { name, timeZone, nextAt, lastAt } = schedule;
  const [next, last] = [nextAt ? fromNow(nextAt) : 'never', lastAt ? fromNow(lastAt) : ''];
  return [name, whenOf(schedule), timeZone, targetOf(schedule), next, last, markOf(schedule)];
}

function markOf({ pausedAt, undeclared }: Schedule): Cell {
  if (pausedAt) return { text: 'paused', tone: 'warn' };
  return undeclared ? { text: 'undeclared', tone: 'warn' } : '';
}

async function show({ screen, session }: Cli, name: string): Promise<void> {
  const { schedules } = await session();
  // Refuses an unknown one; a declared one that goes meanwhile is deleted between two looks.
  const [next, ticks] = [await schedules.preview(name), await schedules.ticks(name)];
  const schedule = await schedules.find(name);
  if (!schedule) throw new QueueError('SCHEDULE_UNKNOWN', `Schedule "${name}" was just deleted.`);
  await screen.answer({ ...schedule, next, ticks }, async () => {
    await screen.fields(fieldsOf(schedule));
    screen.say('');
    for (const run of next) screen.say('next  ', moment(run));
    screen.say('');
    const heads = ['time', 'outcome', 'job', ''].map((head) => ({ head }));
    if (ticks.length > 0) await screen.table(heads, ticks.map(tickRow));
  });
}

function fieldsOf(schedule: Schedule): [string, Cell | undefined][] {
  const { name, owner, declared, timeZone, overlap, catchUp, jitterMs, waiting } = schedule;
  const { startAt, endAt, pausedAt, undeclared, nextAt } = schedule;
  return [
    ['schedule', { text: name, tone: 'strong' }],
    ['owner', owner],
    ['declared', declared ? (undeclared ? 'by no living worker' : 'in code') : undefined],
    ['when', `${whenOf(schedule)} (${timeZone})`],
    ['queue', targetOf(schedule)],
    ['overlap', overlap],
    ['catch up', catchUp],
    ['jitter', jitterMs > 0 ? span(jitterMs) : undefined],
    ['starts', startAt && moment(startAt)],
    ['ends', endAt && moment(endAt)],
    ['due', isDue(schedule) ? { text: moment(nextAt!), tone: 'warn' } : undefined],
    ['paused', pausedAt ? { text: `since ${moment(pausedAt)}`, tone: 'warn' } : undefined],
    ['waiting ticks', waiting > 0 ? String(waiting) : undefined],
  ];
}

const BAD: ReadonlySet<string> = new Set(['missed', 'refused']);

function tickRow({ at, outcome, jobId = '', times, code = '' }: ScheduleTick): Cell[] {
  const told = times ? `${outcome} (${times} times)` : outcome;
  return [at.toISOString(), BAD.has(outcome) ? { text: told, tone: 'bad' } : told, jobId, code];
}
