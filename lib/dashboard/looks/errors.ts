import type { Look } from '../look.js';

/** What failed, grouped by its fault. No spark line: workers count runs by lane, and dead letters by minute would be a walk through all of a key. */
export const errors: Look = async ({ source: { admin }, asked, hide }) => {
  const queue = asked.get('queue') ?? undefined;
  const groups = await admin.errors(queue ? { queue } : {});
  return {
    errors: groups.map(({ example, ...group }) => {
      const { error, ...job } = example;
      return { ...group, example: { ...job, error: hide.error(error, job) } };
    }),
  };
};
