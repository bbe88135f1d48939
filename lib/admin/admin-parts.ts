import { QueuePolicies } from '../options/queue-policy.js';
import type { ResolvedOptions } from '../options/simple-queue.options.js';
import type { Storage } from '../storage/storage.js';
import { Audit } from './audit.js';
import { Cancels } from './cancels.js';
import { Errors } from './errors.js';
import { Explanations } from './explain.js';
import { JobList } from './job-list.js';
import { Limits } from './limits.js';
import { Overview } from './overview.js';
import { Purge } from './purge.js';
import { Revivals } from './revivals.js';
import { SeriesLook } from './series.js';

export type AdminParts = ReturnType<typeof adminParts>;

/** What a `QueueAdmin` is made of. */
export function adminParts(storage: Storage, options: ResolvedOptions, actor?: string) {
  const list = new JobList(storage);
  const acts = new Audit(storage, actor);
  const parts = { storage, list, acts, options };
  return {
    ...{ list, acts },
    overview: new Overview(storage),
    revivals: new Revivals(parts),
    purges: new Purge(parts),
    cancels: new Cancels(parts, new QueuePolicies(options).byQueue('archiveKeepMs')),
    explanations: new Explanations(storage, options),
    fleet: new Limits(storage, acts),
    failures: new Errors(storage),
    tallies: new SeriesLook(storage),
  };
}
