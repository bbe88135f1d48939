import { wanted, type Look } from '../look.js';

/** One queue: what it holds, who serves it, which of its groups are blocked, its limit. */
export const queue: Look = async ({ source: { admin }, asked, hide }) => {
  const name = wanted(asked, 'queue');
  const groups = (await admin.blockedGroups(name)).map(({ group, ...rest }) => ({
    ...rest,
    group: hide.group(group, { id: rest.job, queue: name }),
  }));
  const stats = await admin.stats(name);
  const workers = (await admin.workers()).filter(({ queues }) => queues.includes(name));
  const limits = (await admin.limits()).filter((each) => each.ofQueue && each.name === name);
  const [paused] = stats.paused
    ? await admin.audit({ queue: name, action: 'pause' }, { limit: 1 })
    : [];
  return {
    pausedBy: paused?.actor,
    stats,
    workers,
    limit: limits.find(({ perKey }) => !perKey),
    limitPerKey: limits.find(({ perKey }) => perKey),
    blockedGroups: groups,
  };
};
