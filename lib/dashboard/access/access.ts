import { isLoopback } from './loopback.js';
import { shape, yesOrNo } from '../../runtime/rules.js';
import { QueueError } from '../../job/queue.errors.js';
import type { Asked } from './asked.js';

/** What somebody may do in the dashboard beside looking. */
const PERMISSIONS = [
  'retry',
  'redrive',
  'cancel',
  'purge',
  'pause',
  'limits',
  'change',
  'release',
  'schedules',
] as const;

/** One thing that somebody may do: run a job again or now, those of a filter, end, delete, and so on. */
export type DashboardPermission = (typeof PERMISSIONS)[number];

/** `read`: look. `all`: do everything. An object: look, and do what is true in it. `false`: nothing. */
export type DashboardAccess =
  'read' | 'all' | false | Partial<Record<DashboardPermission, boolean>>;

/** Whom an action was allowed; undefined: not even to look. */
export type Allowed = ReadonlySet<DashboardPermission> | undefined;

const OBJECT = shape(Object.fromEntries(PERMISSIONS.map((name) => [name, yesOrNo])));

/** Whatever is not understood is refused: a slip must not open a door. */
export function allowedBy(access: unknown): Allowed {
  if (access === false || access === undefined || access === null) return undefined;
  if (access === 'read') return new Set();
  if (access === 'all') return new Set(PERMISSIONS);
  const problems = OBJECT(access, 'access()');
  if (problems.length > 0)
    throw new QueueError(
      'INVALID_OPTION',
      `The dashboard's access function returned what it does not know: ${problems.join('; ')}. Return 'read', 'all', false, or an object of ${PERMISSIONS.join(', ')}.`,
    );
  const given = access as Partial<Record<DashboardPermission, boolean>>;
  return new Set(PERMISSIONS.filter((name) => given[name]));
}

/** Where nobody says who may come in, only a developer at their own machine may. */
export function developersOnly(asked: Asked): DashboardAccess {
  return process.env.NODE_ENV === 'development' && isLoopback(asked) ? 'all' : false;
}
