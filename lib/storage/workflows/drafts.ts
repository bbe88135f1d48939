import type { NewJob, StoredOptions } from '../../job/new-job.js';
import { booleanArray, byteaArray, intArray, textArray, uuidArray, floatArray, smallintArray, timestampArray } from '../connection/binary-array.js'; // prettier-ignore

/** A job of a workflow, and where it is in it. */
export interface Draft {
  job: NewJob;
  stage: number;
  item: number;
  /** Under which name it was added to a step of another one. */
  added?: string | undefined;
}

export interface StoredDraft {
  id: string;
  stage: number;
  item: number;
  lane: number;
  priority: number;
  at: Date | null;
  delayMs: number | null;
  fingerprint: string | null;
  options: string;
  payload: string;
  payloadBytes: Buffer | null;
  group: string | null;
  ordered: boolean;
  fair: boolean;
}

/** The first three are what `store_steps` takes. */
export const draftValues = (drafts: Draft[]): unknown[] => {
  const jobs = drafts.map(({ job }) => job);
  return [
    uuidArray(jobs.map(({ id }) => id)),
    intArray(drafts.map(({ stage }) => stage)),
    intArray(drafts.map(({ item }) => item)),
    intArray(jobs.map(({ lane }) => lane.id)),
    intArray(jobs.map(({ lane }) => lane.queueId)),
    smallintArray(jobs.map(({ priority }) => priority)),
    timestampArray(jobs.map(({ at }) => at)),
    floatArray(jobs.map(({ delayMs }) => delayMs)),
    textArray(jobs.map(({ fingerprint }) => fingerprint)),
    textArray(jobs.map(({ options }) => options)),
    textArray(jobs.map(({ payload }) => payload)),
    byteaArray(jobs.map(({ payloadBytes }) => payloadBytes)),
    textArray(jobs.map(({ group }) => group)),
    booleanArray(jobs.map(({ ordered }) => ordered ?? false)),
    booleanArray(jobs.map(({ fair }) => fair ?? false)),
  ];
};

/** It is in the options, as that of any job. */
function keyOf({ options }: StoredDraft): Pick<NewJob, 'limitKey'> {
  const { limitKey } = JSON.parse(options) as StoredOptions;
  return limitKey === undefined ? {} : { limitKey };
}

/** A draft as an enqueue is given a job. */
export const newJobOf = (row: StoredDraft, lane: NewJob['lane']): NewJob => ({
  id: row.id,
  givenId: false,
  lane,
  priority: row.priority,
  at: row.at ?? undefined,
  delayMs: row.delayMs ?? undefined,
  fingerprint: row.fingerprint ?? undefined,
  options: row.options,
  payload: row.payload,
  payloadBytes: row.payloadBytes ?? undefined,
  ...(row.group === null ? {} : { group: row.group, ordered: row.ordered }),
  ...(row.fair ? { fair: true } : {}),
  ...keyOf(row),
});
