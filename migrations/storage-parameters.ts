/** Hot tables: vacuumed by count, at once and without truncation (which takes an exclusive lock and empties the planner's statistics). */
export const HOT = `
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000, vacuum_truncate = off`;

/** Tables that stay tiny and change all the time: room on the page for new versions, vacuumed early. */
export const SMALL = `
  fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000, vacuum_truncate = off`;
