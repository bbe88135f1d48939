import { patient } from './patience.mjs';

/** For the helpers of the test kit, whose own time limit is that of a test on an idle machine. */
export const UNHURRIED = { timeoutMs: patient(20_000) };
