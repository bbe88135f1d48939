import type { JobState } from '../job/job-state.js';
import type { Storage } from '../storage/storage.js';
import type { Called } from '../runtime/words.js';
import type { Audit } from './audit.js';
import type { JobList } from './job-list.js';

/** What acts on many jobs work with. */
export interface OnMany {
  storage: Storage;
  list: JobList;
  acts: Audit;
  options: Called;
}

/** What waits for its turn ends first, so that nothing gets its turn meanwhile, behind the walk. */
export const blockedFirst = (states: readonly JobState[]): JobState[][] =>
  [
    states.filter((state) => state === 'blocked'),
    states.filter((state) => state !== 'blocked'),
  ].filter((some) => some.length > 0);
