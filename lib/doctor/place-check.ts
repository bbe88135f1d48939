import { inQuotes } from '../job/names.js';
import type { LanelessJobs, PlaceBreach } from '../storage/diagnosis/diagnosis.js';
import { deleteStrays, putLaneBack } from '../storage/diagnosis/stray-rows.js';
import type { Check, Examination } from './check.js';
import { critical, fine, warning, type Observation } from './finding.js';
import { counted, listed, command, type Called } from '../runtime/words.js';

/** Up to here every place is read at once. */
const SMALL = 100_000;
/** Of larger tables the jobs with the lowest ids, mostly the oldest, and as many rows of each place. */
const WINDOW = 50_000;

async function lookAtPlaces(examination: Examination): Promise<Observation[]> {
  const { diagnosis } = examination;
  const live = (await diagnosis.vacuums()).find(({ name }) => name === 'job')?.live ?? 0;
  const breaches = live <= SMALL ? await diagnosis.allPlaces() : await diagnosis.somePlaces(WINDOW);
  const observed = [lost, doubled, misplaced, stale, badTurns].flatMap((observe) =>
    observe(breaches, examination.options),
  );
  observed.push(...laneless(await diagnosis.laneless(WINDOW), examination.options));
  if (observed.length > 0) return observed;
  return [
    fine(
      live <= SMALL
        ? 'Every job is in exactly one place.'
        : `Of ${counted(WINDOW, 'job')} each is in exactly one place.`,
    ),
  ];
}

type Observe = (breaches: PlaceBreach[], options: Called) => Observation[];
type Standing = PlaceBreach & { id: string; places: string[] };

const standing = (breaches: PlaceBreach[]): Standing[] =>
  breaches.flatMap((breach) =>
    isTurn(breach) ? [] : [{ ...breach, id: breach.id!, places: breach.places ?? [] }],
  );

/** A turn of an ordered group, told in words in place of a place. */
const isTurn = ({ places }: PlaceBreach): boolean => places?.[0]?.startsWith('group ') ?? false;

const lost: Observe = (breaches, options) => {
  const jobs = standing(breaches).filter(({ lives, places }) => lives && places.length === 0);
  if (jobs.length === 0) return [];
  return [
    critical(
      `${counted(jobs.length, 'live job is', 'live jobs are')} in no place, and will never run: ${idsOf(jobs)}.`,
      `\`${command(['redrive', '--state', 'lost', '--yes'], options)}\` puts them back where they belong, \`retry\` one of them; \`cancel\` ends it.`,
    ),
  ];
};

const doubled: Observe = (breaches, { schema }) => {
  const jobs = standing(breaches).filter(({ lives, places }) => lives && places.length > 1);
  if (jobs.length === 0) return [];
  const text = listed(
    jobs.map(({ id, places }) => `${id} (${places.join(', ')})`),
    5,
  );
  return [
    critical(
      `${counted(jobs.length, 'live job is', 'live jobs are')} in more than one place, and may run twice: ${text}.`,
      `Delete all but one, the claim last of all: delete from ${inQuotes(schema)}.<place> where id = '<id>'. The part behind @ is the epoch; one that is not the job's own is the wrong one.`,
    ),
  ];
};

const misplaced: Observe = (breaches, { schema }) => {
  const jobs = standing(breaches).filter(({ lives, places }) => lives && places.length === 1);
  if (jobs.length === 0) return [];
  const text = listed(
    jobs.map(({ id, places, epoch }) => `${id} (${places[0]}, and should be @${epoch})`),
    5,
  );
  return [
    critical(
      `${counted(jobs.length, 'live job is', 'live jobs are')} at the epoch of another run, and will not be settled: ${text}.`,
      `Set the epoch of the place to the job's: update ${inQuotes(schema)}.<place> set epoch = <epoch> where id = '<id>'.`,
    ),
  ];
};

const stale: Observe = (breaches, { schema }) => {
  const rows = standing(breaches).filter(({ lives }) => !lives);
  if (rows.length === 0) return [];
  const tables = [
    ...new Set(rows.flatMap(({ places }) => places.map((place) => place.split('@')[0]!))),
  ];
  const repairs = tables.map((table) => deleteStrays(table, schema));
  return [
    warning(
      `${counted(rows.length, 'row')} of ${listed(tables)} ${rows.length === 1 ? 'belongs' : 'belong'} to no live job by lane and key: ${idsOf(rows)}.`,
      `Delete them: ${repairs.join('; ')}.`,
    ),
  ];
};

const badTurns: Observe = (breaches) => {
  const groups = breaches.filter(isTurn).map(({ places }) => places![0]!);
  if (groups.length === 0) return [];
  return [
    critical(
      `The turn of ${counted(groups.length, 'ordered group')} is not held by exactly one: queue number and name of each: ${listed(groups, 5)}.`,
      'Turns that nobody holds are made vacant by the janitor of any worker, 1,000 groups a round.',
    ),
  ];
};

const laneless = (lanes: LanelessJobs[], { schema }: Called): Observation[] =>
  lanes.map(({ name, jobs, id, ...lane }) =>
    critical(
      `${counted(jobs, 'job')} of ${name === null ? 'an unknown queue' : `queue "${name}"`} ${jobs === 1 ? 'has' : 'have'} no lane, since somebody has deleted its row: nobody runs ${jobs === 1 ? 'it' : 'them'} (${id}).`,
      `Put it back, with their name where they had one: ${putLaneBack(lane, schema)}.`,
    ),
  );

const idsOf = (jobs: Standing[]): string =>
  listed(
    jobs.map(({ id }) => id),
    5,
  );

/** The invariant that everything else rests on. */
export const PLACE_CHECKS: readonly Check[] = [
  { code: 'PLACES', subject: 'the places of jobs', needsTables: true, look: lookAtPlaces },
];
