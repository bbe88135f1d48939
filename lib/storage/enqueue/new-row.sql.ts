/** An element of an array of the domain: the planner makes a constant of it, checked once. A cast to the domain would be checked per row. */
const constant = (domain: string, elements = '{}') =>
  `('${elements}'::simple_queue.${domain}[])[1]`;

const COLUMNS: Readonly<Record<string, string>> = {
  epoch: constant('epoch', '{0}'),
  suspicion: constant('suspicion', '{0}'),
  stalls: constant('stalls', '{0}'),
  attempt: constant('counter', '{0}'),
  reschedules: constant('counter', '{0}'),
  cancel_at: constant('moment'),
  unique_key: constant('tag'),
  last_error: constant('failure'),
  history: constant('history'),
  group_name: constant('group_key'),
  commit_by: constant('moment'),
  progress: constant('progress'),
  limit_key: constant('tag'),
};

/**
 * What a plain job leaves as it is in `job`. Where an insert does not name a column of a domain, the server checks its default per row, and
 * compiles that check per statement: a fifth to a quarter of what a single enqueue takes in a transaction.
 */
export const UNTOUCHED = Object.keys(COLUMNS).join(', ');
export const UNTOUCHED_VALUES = Object.values(COLUMNS).join(', ');

export const NO_FINGERPRINT = constant('tag');
export const NO_OPTIONS = constant('options');
