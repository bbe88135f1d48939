/** Where a goal may be missed: what profiles say, and what was tried. Shown under the goals for those that were missed in the run. */
export const REASONS = {
  "peak RSS / graphile-worker's":
    'The worker is a Nest application with TypeORM: 135 MB before its first job, where graphile-worker alone has 86. What draining adds is less (about ' +
    '105 MB to 140 MB): most of it is the young generation that V8 lets grow at 100,000 jobs a second. Rows are no longer copied into objects, and what is 0 is answered as null.',
  'drain, deleted / limit':
    'The limit has no permits, no events, no promise of a handler and no fence. What is left between the two is Node: about 5 us a job, of which a quarter is garbage collection.',
  'enqueue, 20 callers / best of graphile-worker and pg-boss':
    'The best of the two is pg-boss, at 2,800 a second. For what bounds 33,000 here see the next line.',
  'enqueue, 20 callers / BullMQ on Redis':
    'About 19 jobs share a statement, and a commit waits for the disk; Redis answers without one (with `appendfsync always` it is slower). Worker CPU is 17 us a job, most of it in ' +
    'the driver and in promises of callers. More flights at a time made statements smaller and the whole slower.',
  'enqueue, 1 caller / plain INSERT':
    'A job is two rows in two tables with three indexes, in one prepared statement; the INSERT beside it is one row with one index. Our own JavaScript is 6 us of the 0.34 ms.',
  'bulk enqueue / best peer':
    'All jobs go in one transaction on one connection, all or none. Tried: binary arrays, constants given once, the next chunk prepared while the last is stored (104k to 198k a second), larger chunks ' +
    '(nothing), jsonb[] (7 % slower). COPY into both tables would save some 20 % of the server and needs a query class of its own.',
  'enqueue in a transaction / plain INSERT in it':
    'One prepared statement inserts two rows where the plain INSERT writes one; the statement alone costs 1.08 to 1.14 times the INSERT, the rest is about 20 us in the call.',
  'drain beside 1,000,000 future jobs / without':
    'The statements touch as many pages with the crowd as without it (a test judges their plans). The CPU of the worker, which does the same in both rows, grows as much as that of the database, so the ' +
    'machine itself is slower behind a million fresh rows (caches, vacuum). Not followed further.',
  'drain beside 1,000,000 of another queue / without': 'As above.',
  "idle latency, other process, p50 / graphile-worker's":
    "Counted from the enqueue's answer, which comes 1.0 ms sooner here: from the call to the handler the two take the same. The claim is a larger statement than graphile-worker's " +
    'single UPDATE. Tried: a claim that settles nothing has a plan of its own (1.00 to 0.91 ms), the NOTIFY rides in the insert (1.29 to 1.00). Not tried: claims without a flush, since a claim that a crash of the server forgets starts a job twice.',
  "idle latency, other process, p99 / graphile-worker's": 'As above.',
  'latency at 500/s, other process, p99 / best peer':
    'The best peer is BullMQ on a Redis without fsync. The slowest per cent waits for a commit that another one holds up.',
  'latency at 500/s, same process, p99 / best peer':
    'The best peer is BullMQ on a Redis without fsync; half of our handlers begin in 0.01 ms, since the job is stored as claimed. The slowest per cent comes while another insert is under way.',
};
