import type { NewJob } from '../../job/new-job.js';

/** Rows in one statement; more is not faster, and a statement should stay short. */
export const MAX_ROWS = 5_000;
/** Of payloads in one statement: over 0.5 MB/s it ends in a quarter of the default time. One payload alone may be larger. */
export const MAX_BYTES = 1_024 * 1_024;

type Sized = Pick<NewJob, 'payload' | 'payloadBytes'>;

/** Roughly: characters of a payload; bytes travel as they are. */
export const sizeOf = ({ payload, payloadBytes }: Sized): number =>
  payload.length + (payloadBytes?.length ?? 0);

/** Cuts jobs into what one statement may carry. */
export class Chunker {
  private chunk: NewJob[] = [];
  private bytes = 0;

  constructor(private readonly maxRows = MAX_ROWS) {}

  /** The chunk that is complete without this job, if one is. */
  add(job: NewJob): NewJob[] | undefined {
    const size = Buffer.byteLength(job.payload) + (job.payloadBytes?.length ?? 0);
    const isFull =
      this.chunk.length === this.maxRows ||
      (this.chunk.length > 0 && this.bytes + size > MAX_BYTES);
    const full = isFull ? this.take() : undefined;
    this.chunk.push(job);
    this.bytes += size;
    return full;
  }

  /** What was added since the last full chunk. */
  take(): NewJob[] {
    const { chunk } = this;
    this.chunk = [];
    this.bytes = 0;
    return chunk;
  }
}

export function chunksOf(jobs: NewJob[], maxRows = MAX_ROWS): NewJob[][] {
  const chunker = new Chunker(maxRows);
  const chunks: NewJob[][] = [];
  for (const job of jobs) {
    const full = chunker.add(job);
    if (full) chunks.push(full);
  }
  if (jobs.length > 0) chunks.push(chunker.take());
  return chunks;
}
