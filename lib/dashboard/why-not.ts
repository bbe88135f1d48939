import type { Schedule, ScheduleTick } from '../job/schedule.js';
import { MINUTE_MS } from '../job/values/duration.js';
import type { Source } from './source.js';

/** As the list of troubles has it. */
const OVERDUE_MS = 5 * MINUTE_MS;

interface Reason {
  code: 'ENDED' | 'LAST_TIME' | 'OVERDUE' | 'PAUSED';
  text: string;
}

/** Why no job comes of a schedule, or came of its last time. */
export async function whyNot(
  source: Source,
  schedule: Schedule,
  ticks: ScheduleTick[],
): Promise<Reason[]> {
  const { pausedAt, nextAt } = schedule;
  const reasons = lastTime(ticks);
  if (pausedAt) reasons.unshift({ code: 'PAUSED', text: await paused(source, schedule) });
  else if (!nextAt) reasons.unshift({ code: 'ENDED', text: 'It has ended: no time is left.' });
  else if (nextAt.getTime() < Date.now() - OVERDUE_MS)
    reasons.unshift({ code: 'OVERDUE', text: await overdue(source, nextAt) });
  return reasons;
}

async function paused({ admin }: Source, { name, pausedAt }: Schedule): Promise<string> {
  const acts = await admin.audit({ action: 'pause-schedule' });
  const act = acts.find(({ selector }) => selector.name === name);
  const who = act ? ` by ${act.actor}` : '';
  return `It is paused since ${pausedAt!.toISOString()}${who}. Resume it.`;
}

async function overdue({ admin }: Source, nextAt: Date): Promise<string> {
  const alive = (await admin.workers()).filter(({ live }) => live).length;
  const due = `It was due at ${nextAt.toISOString()}, and nobody has enqueued its job:`;
  if (alive === 0) return `${due} no worker is alive. Start one.`;
  return `${due} ${alive === 1 ? '1 worker is' : `${alive} workers are`} alive. Read what they log (loopFailed, SCHEDULE_BROKEN), and look for a transaction that holds its row.`;
}

function lastTime([last, ...before]: ScheduleTick[]): Reason[] {
  const earlier = before.find(({ jobId }) => jobId)?.jobId;
  switch (last?.outcome) {
    case 'skipped':
    case 'waiting': {
      const job = earlier ? `, such as ${earlier},` : '';
      const text = `Its last time ${last.outcome === 'skipped' ? 'was skipped' : 'waits'}, since the job of an earlier one${job} had not ended.`;
      return [{ code: 'LAST_TIME', text }];
    }
    case 'refused':
      return [{ code: 'LAST_TIME', text: `The job of its last time was refused: ${last.code}.` }];
    case 'missed':
      return [{ code: 'LAST_TIME', text: 'No worker was alive at its last time.' }];
    default:
      return [];
  }
}
