import { soon } from '../job/values/schema-fit.js';
import { isObservable, lastValueFrom } from 'rxjs';

/** An Observable does nothing until somebody listens. What it emits last is the answer; if it emits nothing, there is none. */
export function lastValue(answer: unknown): unknown {
  return isObservable(answer) ? lastValueFrom(answer, { defaultValue: undefined }) : answer;
}

/** What a handler has returned, or a promise of it where there is something to wait for. */
export const answerOf = (returned: unknown): unknown => soon(returned, lastValue);
