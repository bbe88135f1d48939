let furthest = -Infinity;
/** Of the machine's clock before one that only goes on. */
const lead = (): number => Date.now() - performance.now();

/** The machine's time; how far it has ever been is kept in mind, so that a step back shows. */
export function wallTime(): number {
  furthest = Math.max(furthest, lead());
  return Date.now();
}

/** Milliseconds since a `wallTime()`, at least: a clock that was set back makes them more, and where it says that the time is still to come, nobody knows. */
export function ageOf(at: number): number {
  const ms = wallTime() - at;
  return ms < 0 ? Infinity : ms + furthest - lead();
}
