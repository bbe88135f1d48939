/** Spreads a fleet's duties: 80 to 120 % of the interval. */
export const jittered = (ms: number): number => ms * (0.8 + 0.4 * Math.random());
