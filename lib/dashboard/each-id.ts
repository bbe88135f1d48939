import { checkId } from '../job/names.js';
import { QueueError } from '../job/queue.errors.js';
import { must, type Rule } from '../runtime/rules.js';

const MOST = 500;

export const ids: Rule = must(
  (value) => Array.isArray(value) && value.length > 0 && value.length <= MOST,
  `a list of 1 to ${MOST} ids`,
);

/** What became of jobs that were named one by one: what is refused of one keeps no other from it. */
interface EachAnswer {
  done: string[];
  refused: { id: string; code: string; message: string }[];
}

/** Checks all before it begins with the first. */
export async function eachId(
  given: unknown,
  work: (id: string) => Promise<unknown>,
): Promise<EachAnswer> {
  const answer: EachAnswer = { done: [], refused: [] };
  for (const id of new Set((given as unknown[]).map(checkId)))
    try {
      await work(id);
      answer.done.push(id);
    } catch (error) {
      if (!(error instanceof QueueError) || /^DATABASE/.test(error.code)) throw error;
      answer.refused.push({ id, code: error.code, message: error.message });
    }
  return answer;
}
