import type { Command } from 'commander';
import type { QueueSchedules } from '../../../schedules/queue-schedules.js';
import type { Act, Cli } from '../../command.js';
import { refuseNear } from '../../known-queue.js';
import { counted } from '../../show/numbers.js';
import { parseMoment } from '../../show/times.js';
import { examples } from '../../examples.js';

/** What operators do to schedules, whoever owns them. */
export function addScheduleActs(schedules: Command, act: Act): void {
  const add = (name: string, description: string, example = `${name} reports`): Command =>
    schedules
      .command(name)
      .description(description)
      .addHelpText('after', examples(`schedules ${example}`));
  add('pause', 'make no ticks until it is resumed, whatever is restarted')
    .argument('<name>', 'its name')
    .action(act((cli, name: string) => pause(cli, name, true)));
  add('resume', 'go on with the next time from now')
    .argument('<name>', 'its name')
    .action(act((cli, name: string) => pause(cli, name, false)));
  add('run', 'enqueue its job now, paused or not').argument('<name>', 'its name').action(act(run));
  addBackfill(add, act);
  add(
    'prune',
    'delete declared schedules that no living worker declares; shows them, and does it with --yes',
    'prune --owner billing --yes',
  )
    .option('--owner <owner>', 'whose', 'default')
    .option('--yes', 'do it')
    .action(act(prune));
}

type Add = (name: string, description: string, example?: string) => Command;

function addBackfill(add: Add, act: Act): void {
  add(
    'backfill',
    'enqueue a job for each past time that has none, at most 1,000',
    'backfill reports --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z --dry-run',
  )
    .argument('<name>', 'its name')
    .requiredOption('--from <time>', 'from then on', parseMoment)
    .requiredOption('--to <time>', 'before then', parseMoment)
    .option('--dry-run', 'only show which')
    .action(act(backfill));
}

async function pause({ screen, session }: Cli, name: string, paused: boolean): Promise<void> {
  const { admin, schedules } = await session();
  const act = paused ? 'pause' : 'resume';
  await admin.act(`${act}-schedule`, { name }, () => schedules[act](name));
  const told = paused ? 'is paused.' : 'continues.';
  await screen.answer({ name, paused }, () => screen.say(`Schedule "${name}" ${told}`));
}

async function run({ screen, session }: Cli, name: string): Promise<void> {
  const { admin, schedules } = await session();
  const triggered = await admin.act('run-schedule', { name }, () => schedules.trigger(name));
  const { id, created } = triggered;
  const told = created ? 'was enqueued' : 'has the unique key already: nothing was enqueued';
  await screen.answer(triggered, () => screen.say(`Job ${id} ${told}.`));
}

interface BackfillFlags {
  from: Date;
  to: Date;
  dryRun?: boolean;
}

async function backfill(
  { screen, session }: Cli,
  name: string,
  { from, to, dryRun = false }: BackfillFlags,
): Promise<void> {
  const { admin, schedules } = await session();
  const work = () => schedules.backfill(name, { from, to, dryRun });
  const { times, jobs } = await (dryRun
    ? work()
    : admin.act('backfill-schedule', { name, from, to }, work));
  await screen.answer({ dryRun, times, jobs }, () => {
    for (const time of times) screen.say(time.toISOString());
    const told = times.length === 1 ? 'was enqueued' : 'were enqueued';
    screen.say(`${counted(times.length, 'job')} ${dryRun ? 'would be enqueued' : told}.`);
  });
}

async function prune(
  { screen, session }: Cli,
  { owner, yes = false }: { owner: string; yes?: boolean },
): Promise<void> {
  const { admin, schedules } = await session();
  const work = async () => ({ names: await schedules.prune({ owner, dryRun: !yes }) });
  const { names } = await (yes ? admin.act('prune-schedules', { owner }, work) : work());
  if (names.length === 0) await refuseUnknownOwner(schedules, owner);
  await screen.answer({ dryRun: !yes, names }, () => {
    for (const name of names) screen.say(name);
    const told = yes ? (names.length === 1 ? 'is deleted' : 'are deleted') : 'would be deleted';
    screen.say(`${counted(names.length, 'schedule')} ${told}.`);
    if (!yes && names.length > 0) screen.say('Nothing was done. To do it, repeat it with --yes.');
  });
}

/** Nothing was found: was the owner mistyped? */
export async function refuseUnknownOwner(schedules: QueueSchedules, owner = ''): Promise<void> {
  const known = new Set((await schedules.list()).map((schedule) => schedule.owner));
  refuseNear(owner, [...known], 'No schedule has the owner');
}
