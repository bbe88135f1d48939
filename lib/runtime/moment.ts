const DATE = /^\d{4}-\d\d-\d\d/;

/** Does it begin with a day, as `2026-11-21T10:00:00Z` does? */
export const isMoment = (text: string): boolean => DATE.test(text);

/** Of such a text; invalid otherwise: of "0" a `Date` makes the year 2000, and of 31 February 3 March. */
export function momentOf(text: string): Date {
  const day = text.slice(0, 10);
  const isDay = isMoment(text) && new Date(day).getUTCDate() === Number(day.slice(8));
  return new Date(isDay ? text : NaN);
}
