import Sequencer from '@jest/test-sequencer';

/** Those of more than 10 s, the slowest first. */
const SLOW = [
  'sample/shop/main',
  'stories/crash-points',
  'stories/many-lanes',
  'statements/plans',
  'stories/poison',
  'stories/shared-limits',
  'stories/ordered-kills',
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
