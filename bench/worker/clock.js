/** Milliseconds on the clock that all processes of a machine share (CLOCK_MONOTONIC). */
export const now = () => Number(process.hrtime.bigint()) / 1e6;

export const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
