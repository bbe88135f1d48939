import fc from 'fast-check';

/** A failed run prints its seed, path and replayPath: give them as SQ_SEED, SQ_PATH and SQ_REPLAY to see it again. SQ_RUNS=700 looks longer. */
const { SQ_SEED, SQ_PATH, SQ_RUNS } = process.env;

fc.configureGlobal({ seed: Number(SQ_SEED) });

/** Of a property whose runs are dear: `numRuns` where nobody asks for more. */
export const parameters = (numRuns: number): { numRuns: number; path?: string } => ({
  numRuns: Number(SQ_RUNS ?? numRuns),
  ...(SQ_PATH && { path: SQ_PATH }),
});

/** As `unit: 'binary'`, which works a second for each test file: it lists all code points. */
const codePoint = fc
  .integer({ min: 0, max: 0x10f7ff })
  .map((n) => String.fromCodePoint(n < 0xd800 ? n : n + 0x800));

/** Of any characters but halves of surrogate pairs. */
export const anyText = (maxLength?: number): fc.Arbitrary<string> =>
  fc.string({ unit: codePoint, maxLength });

export default fc;
