import fc from 'fast-check';

/** A failed run prints its seed, path and replayPath: give them as SQ_SEED, SQ_PATH and SQ_REPLAY to see it again. SQ_RUNS=700 looks longer. */
const { SQ_SEED, SQ_PATH, SQ_RUNS } = process.env;

fc.configureGlobal({ seed: Number(SQ_SEED) });

/** Of a property whose runs are dear: `numRuns` where nobody asks for more. */
export const parameters = (numRuns: number): { numRuns: number; path?: string } => ({
  numRuns: Number(SQ_RUNS ?? numRuns),
  ...(SQ_PATH && { path: SQ_PATH }),
});

export default fc;
