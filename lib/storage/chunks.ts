import type { NewJob } from './enqueue.repository.js';

/** Rows in one statement; more is not faster, and a statement should stay short. */
export const MAX_ROWS = 5_000;
const MAX_CHARACTERS = 16 * 1_024 * 1_024;

/** Cuts jobs into what one statement may carry. */
export class Chunker {
  private chunk: NewJob[] = [];
  private characters = 0;

  /** The chunk that is complete without this job, if one is. */
  add(job: NewJob): NewJob[] | undefined {
    const size = job.payload.length + (job.payloadBytes?.length ?? 0) * 2;
    const isFull = this.chunk.length === MAX_ROWS || (this.chunk.length > 0 && this.characters + size > MAX_CHARACTERS);
    const full = isFull ? this.take() : undefined;
    this.chunk.push(job);
    this.characters += size;
    return full;
  }

  /** What was added since the last full chunk. */
  take(): NewJob[] {
    const { chunk } = this;
    this.chunk = [];
    this.characters = 0;
    return chunk;
  }
}

export function chunksOf(jobs: NewJob[]): NewJob[][] {
  const chunker = new Chunker();
  const chunks: NewJob[][] = [];
  for (const job of jobs) {
    const full = chunker.add(job);
    if (full) chunks.push(full);
  }
  if (jobs.length > 0) chunks.push(chunker.take());
  return chunks;
}
