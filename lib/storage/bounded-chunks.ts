/** A statement should stay short, whatever it carries. */
const MAX_CHARACTERS = 16 * 1_024 * 1_024;

interface Sized {
  payload: string;
  payloadBytes?: Buffer;
}

/** The jobs in their order, so that one statement takes `maxRows` of them at most, and 16 MiB of payloads. */
export function boundedChunks<Job extends Sized>(jobs: Job[], maxRows: number): Job[][] {
  const chunks: Job[][] = [];
  let characters = Infinity;
  for (const job of jobs) {
    const size = job.payload.length + (job.payloadBytes?.length ?? 0) * 2;
    const chunk = chunks.at(-1);
    if (chunk && chunk.length < maxRows && characters + size <= MAX_CHARACTERS) {
      chunk.push(job);
      characters += size;
    } else {
      chunks.push([job]);
      characters = size;
    }
  }
  return chunks;
}
