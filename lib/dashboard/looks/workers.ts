import type { Look } from '../look.js';
import { troublesOf } from './overview.js';

const OF_WORKERS = /WORKER|HUNG/;

/** Every process that works, and what is wrong with them. */
export const workers: Look = async (question) => {
  const [workers, troubles] = await Promise.all([
    question.source.admin.workers(),
    troublesOf(question),
  ]);
  return { workers, troubles: troubles?.filter(({ code }) => OF_WORKERS.test(code)) };
};
