import Sequencer from '@jest/test-sequencer';

/** Those of more than 20 s, the slowest first. */
const SLOW = [
  'sample/shop/main',
  'stories/slow-lines',
  'stories/many-lanes',
  'stories/poison',
  'connection/pooler',
  'stories/blocked-loop',
  'stories/shared-limits',
  'dashboard/browser',
  'stories/crash-points',
  'statements/plans',
  'stories/crossed-limits',
  'stories/within-limits',
  'stories/fleet-rates',
  'connection/hurried-roles',
  'stories/told-ends',
  'storage/state-machine',
];

const placeOf = ({ path }) => {
  const place = SLOW.findIndex((name) => path.endsWith(`/${name}.spec.ts`));
  return place < 0 ? SLOW.length : place;
};

/** A fresh clone does not know how long a file takes, and whoever begins a slow one last works on it alone. */
export default class SlowestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((one, other) => placeOf(one) - placeOf(other));
  }
}
