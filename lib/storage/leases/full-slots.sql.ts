/** What the workers `live` say of slots that are all taken, one row `f` each; `waits`: whose jobs wait for them. */
export const FULL_SLOTS = `live w cross join lateral jsonb_to_recordset(coalesce(w.about -> 'full', '[]')) f
      (lanes int[], slots int, "oldestMs" float8, "youngestMs" float8, over boolean, timed boolean, held int[], ids text[])
    cross join lateral (select coalesce(f.lanes, w.lanes) as waits) x`;

/**
 * Which time 99 of 100 runs of the lanes `f.held` stayed below within a week, as far as the tally knows, which counts by powers of two: what
 * hung once before, and was ended, is not what they usually take.
 */
export const USUAL_MS = `(select min(2.0 ^ (n - 1))::float8 from (
      select b.n, sum(sum(b.jobs)) over (order by b.n) as below, sum(sum(b.jobs)) over () as jobs
      from simple_queue.tally t cross join lateral unnest(t.run) with ordinality b (jobs, n)
      where t.lane = any(f.held) and t.shard = $1 and t.minute > statement_timestamp() - interval '7 days' and b.jobs > 0 group by b.n) b
      where below >= 0.99 * jobs)`;
