import { byOf, ruleWords, type LimitRule } from '../../job/limit.js';
import type { InMs } from '../../job/values/duration.js';
import type { LimitRow, LimitShares } from './limit.repository.js';

/** The rule as it would be declared. */
export function ruleOf({ concurrency, rate, perMs, burst, strict }: LimitRow): InMs<LimitRule> {
  return {
    ...(concurrency === null ? {} : { concurrency }),
    ...(rate === null
      ? {}
      : { rate: { limit: rate, perMs: perMs!, ...(strict ? { strict } : { burst: burst! }) } }),
  };
}

/** No live worker declares it; what an operator has set of a queue nobody has to. */
export const isUndeclared = ({ shares }: LimitShares): boolean =>
  !shares.some(({ live, declares }) => live && declares !== null);

export function wordsOf(row: LimitRow): string {
  const by = byOf(row.rule);
  return ruleWords({ ...ruleOf(row), ...(by === undefined ? {} : { by }) });
}
