import type { SpoolRecord } from '../spool/record.js';
import type { CheckedJob } from './new-job.js';

/** An enqueue call, or a part of one, as it waits on the disk. */
export interface SpooledCall {
  /** When it was acknowledged, or began where it is unsure, by the clock of the machine. */
  at: number;
  /** It had been sent, and nobody knows whether it was stored. */
  unsure?: true;
  /** The code with which it was refused. */
  refused?: string;
  jobs: CheckedJob[];
}

/** The lane is looked up when it is stored, and turns are drawn then. */
type Written = Omit<CheckedJob, 'payloadBytes' | 'at' | 'lane' | 'seq'> & {
  bytes?: string | undefined;
  runAt?: number | undefined;
};

export function recordOf(call: SpooledCall): SpoolRecord {
  const jobs = call.jobs.map(({ payloadBytes, at, lane: _lane, seq: _seq, ...job }): Written => ({
    ...job,
    bytes: payloadBytes?.toString('base64'),
    runAt: at?.getTime(),
  }));
  return { jobs: jobs.length, body: Buffer.from(JSON.stringify({ ...call, jobs })) };
}

/** undefined: its checksum is right, and it says nothing that is known here. */
export function callOf({ body }: SpoolRecord): SpooledCall | undefined {
  const call = parsed(body);
  if (!call || call.jobs.length === 0) return undefined;
  const jobs = call.jobs.map(({ bytes, runAt, ...job }: Written) => ({
    ...job,
    lane: undefined,
    payloadBytes: bytes === undefined ? undefined : Buffer.from(bytes, 'base64'),
    at: runAt === undefined ? undefined : new Date(runAt),
  }));
  return { ...call, jobs };
}

/** What could not be read would stop the replay of all that is behind it, again and again. */
const isWritten = (job: Partial<Written> | null): boolean =>
  typeof job?.id === 'string' && typeof job.queue === 'string';

function parsed(body: Buffer): (SpooledCall & { jobs: Written[] }) | undefined {
  try {
    const call = JSON.parse(body.toString()) as Partial<SpooledCall> | null;
    const isKnown = Array.isArray(call?.jobs) && call.jobs.every(isWritten);
    return isKnown ? (call as SpooledCall & { jobs: Written[] }) : undefined;
  } catch {
    return undefined;
  }
}
