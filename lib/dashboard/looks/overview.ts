import type { Look, Question } from '../look.js';
import { MOST } from './queues.js';

/** Five statements: with them in each look, ten tabs on a page that nothing changes would ask 4.5 per second. */
const TROUBLES_MS = 10_000;

/** What waits for a person; undefined: it takes too long, and hides nothing else. */
export const troublesOf = ({ source: { admin }, recently }: Question) =>
  recently('troubles', () => admin.troubles(), TROUBLES_MS).catch(() => undefined);

/** What is wrong, and the queues. The event stream looks at it again and again, so that every page learns when something has changed. */
export const overview: Look = async (question) => {
  const { admin } = question.source;
  const [troubles, totals, queues] = await Promise.all([
    troublesOf(question),
    admin.totals(),
    admin.queues({ limit: MOST }),
  ]);
  return { troubles, totals, queues };
};
