import type { ScheduleRow } from '../storage/schedules/schedule.repository.js';
import { calendarOf, type Calendar } from './calendar/calendar.js';
import type { StoredSpec } from './stored-spec.js';

const MAX_CALENDARS = 1_000;
const calendars = new Map<string, Calendar>();

/** Made once of each hash. */
export function calendarOfRow({ hash, spec }: Pick<ScheduleRow, 'hash' | 'spec'>): Calendar {
  let calendar = calendars.get(hash);
  if (!calendar) {
    calendar = calendarOf(spec as StoredSpec);
    if (calendars.size >= MAX_CALENDARS) calendars.clear();
    calendars.set(hash, calendar);
  }
  const { aheadMs } = spec as StoredSpec;
  return aheadMs ? shifted(calendar, aheadMs) : calendar;
}

const shifted = (calendar: Calendar, aheadMs: number): Calendar => ({
  next: (after) => {
    const next = calendar.next(after + aheadMs);
    return next === undefined ? undefined : next - aheadMs;
  },
});
