/** Queues whose ends are stored as jobs: of `queue` in `lane`. As small as the registry that it belongs to; see docs/adr/0045-outcomes-as-jobs.md. */
export const OUTCOMES = [
  `create table simple_queue.outcome (
    queue int primary key,
    lane int not null)`,
];
