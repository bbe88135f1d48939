import { expiredPartitions } from '../storage/schema/partition.repository.js';
import { HOUR_MS } from '../job/values/duration.js';
import { command, counted, listed } from '../runtime/words.js';
import type { Examination } from './check.js';
import { notice, warning, type Observation } from './finding.js';

/** The janitor tries each hour at least. */
const LATE_MS = 2 * HOUR_MS;
const GIGABYTE = 1024 ** 3;

/** Whether what has ended goes when its time is over, and what it takes until then. */
export async function lookAtRetention(examination: Examination): Promise<Observation[]> {
  return [...(await late(examination)), ...(await grown(examination))];
}

async function late({ partitions, diagnosis, options }: Examination): Promise<Observation[]> {
  const names: string[] = [];
  for (const [table, known] of await partitions.listAll(diagnosis.run)) {
    const now = new Date(known.now.getTime() - LATE_MS);
    names.push(...expiredPartitions(table, { ...known, now }));
  }
  if (names.length === 0) return [];
  return [
    warning(
      `Partitions whose time is over are still there: ${listed(names)}. They fill the disk.`,
      `A worker drops them, as a role that owns the tables. By hand, as such a role: \`${command(['maintain'], options)}\`.`,
    ),
  ];
}

async function grown({ diagnosis, options }: Examination): Promise<Observation[]> {
  const tables = await diagnosis.vacuums();
  const sum = (names: RegExp): number =>
    tables.reduce((bytes, each) => bytes + (names.test(each.name) ? each.bytes : 0), 0);
  const [archive, dead] = [sum(/^archive_/), sum(/^dead_letter_/)];
  const live = sum(/^(?!archive_|dead_letter_|tally_)/);
  if (archive + dead < Math.max(GIGABYTE, 10 * live)) return [];
  const purge = ['purge', '--state', archive > dead ? 'succeeded' : 'dead', '--finished-before', '1d']; // prettier-ignore
  return [
    notice(
      `Jobs that ended take ${counted(Math.round((archive + dead) / GIGABYTE), 'GB', 'GB')}, and all others ${counted(Math.round((live / GIGABYTE) * 1_024), 'MB', 'MB')}.`,
      `Keep fewer: \`archive\` and \`deadLetter\` of their queues. What is there goes when its time is over, or with \`${command(purge, options)}\`, which counts it first.`,
    ),
  ];
}
