import type { Source } from '../source.js';
import { wanted, type Hiding, type Look } from '../look.js';
import { limitsOf } from './limits.js';
import { settingsOf } from '../settings.js';

/** It asks as much as the rest. */
const WHY_MS = 10_000;

/** One queue: what it holds, who serves it, which of its groups are blocked, its limit. */
export const queue: Look = async ({ source, asked, hide, recently }) => {
  const { admin, options } = source;
  const name = wanted(asked, 'queue');
  const groups = (await admin.blockedGroups(name)).map(({ group, ...rest }) => ({
    ...rest,
    group: hide.group(group, { id: rest.job, queue: name }),
  }));
  const stats = await admin.stats(name);
  const workers = await admin.workers(name);
  const limits = (await limitsOf(source)).filter((each) => each.ofQueue && each.name === name);
  const [paused] = stats.paused
    ? await admin.audit({ queue: name, action: 'pause' }, { limit: 1 })
    : [];
  return {
    why: await recently(`why ${name}`, () => firstOf(source, hide, name), WHY_MS),
    pausedBy: paused?.actor,
    stats,
    workers,
    limit: limits.find(({ perKey }) => !perKey),
    limitPerKey: limits.find(({ perKey }) => perKey),
    blockedGroups: groups,
    settings: settingsOf(options, name),
  };
};

/** The job that would run next, and why it does not; undefined: none waits. */
async function firstOf(
  { admin, why }: Source,
  hide: Hiding,
  queue: string,
): Promise<object | undefined> {
  const [first] = (await admin.jobs({ queue, state: ['ready', 'blocked'] }, { limit: 1 })).jobs;
  const found = first && (await admin.job(first.id));
  if (!found) return undefined;
  const reasons = await why(found.id);
  return { id: found.id, reasons: reasons.map((each) => ({ ...each, text: hide.text(each.text, found) })) }; // prettier-ignore
}
