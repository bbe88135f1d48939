/** What a place repeats of its job, in the order of its columns. */
const COLUMNS = {
  ready: 'lane, shard, priority, run_at, id, epoch',
  fair_ready: 'lane, shard, group_name, priority, run_at, id, epoch',
  suspect: 'lane, shard, suspicion, run_at, id, epoch',
  scheduled: 'run_at, shard, id, lane, priority, epoch',
  staged: 'id, shard, lane, epoch',
};

type Place = keyof typeof COLUMNS;

const MEMBERS: Readonly<Record<Place, string>> = {
  ready: 'readied',
  fair_ready: 'fairly',
  suspect: 'suspected',
  scheduled: 'scheduled',
  staged: 'staged',
};

/** A job stands in the first of these places whose condition it meets; beside each is its contrary. What meets none is ready. */
const CONDITIONS: readonly (readonly [Place, string, string])[] = [
  ['staged', 'commit_by is not null', 'commit_by is null'],
  ['scheduled', 'run_at > statement_timestamp()', 'run_at <= statement_timestamp()'],
  ['suspect', 'suspicion > 0', 'suspicion = 0'],
  ['fair_ready', 'fair', 'fair is null'],
];

/** Which jobs stand in a place, where they may stand in any of `places`. */
function standing(place: Place, places: readonly Place[]): string {
  const asked = CONDITIONS.filter(([other]) => places.includes(other));
  const own = asked.findIndex(([other]) => other === place);
  const passed = (own < 0 ? asked : asked.slice(0, own)).map(([, , contrary]) => contrary);
  return [...passed, ...asked.filter(([other]) => other === place).map(([, condition]) => condition)].join(' and ');
}

/**
 * Members of a `with` that put the jobs of `from` into their places: whoever stores or moves jobs names those that they may come to, and
 * each job finds its own. `returning` is for who counts them.
 */
export function placed(from: string, places: readonly Place[], returning: Partial<Record<Place, string>> = {}): string {
  const member = (place: Place): string => {
    const where = places.length > 1 ? ` where ${standing(place, places)}` : '';
    const answer = returning[place] ? `\n    returning ${returning[place]}` : '';
    return `${MEMBERS[place]} as (
    insert into simple_queue.${place} (${COLUMNS[place]})
    select ${COLUMNS[place].replace('shard', '$1')} from ${from}${where}${answer})`;
  };
  return places.map(member).join(',\n  ');
}
