import { NO_LABELS } from '../../job/values/labels.js';
import type { LaneName } from '../../job/lane.js';

/** A line feed is in no name, a comma in no label. */
export const keyOf = ({ queue, name, labels = NO_LABELS }: LaneName): string =>
  labels.length === 0 ? `${queue}\n${name}` : `${queue}\n${name}\n${labels.join()}`;

export const columnsOf = (lanes: readonly LaneName[]): [string[], string[], string[]] => [
  lanes.map((lane) => lane.queue),
  lanes.map((lane) => lane.name),
  lanes.map((lane) => (lane.labels ?? NO_LABELS).join()),
];
