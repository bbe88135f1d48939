import type { Storage } from '../storage/storage.js';
import type { Audit } from './audit.js';
import type { JobList } from './job-list.js';

/** What acts on many jobs work with. */
export interface OnMany {
  storage: Storage;
  list: JobList;
  acts: Audit;
}
