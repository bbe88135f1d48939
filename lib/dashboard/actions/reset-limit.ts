import type { LimitPart } from '../../admin/limits.js';
import { anything, textOf, type Action } from '../action.js';
import { limitSeen } from '../seen.js';

/** What processes declare holds again. */
export const resetLimit: Action = {
  permission: 'limits',
  takes: { name: anything, perKey: anything, rest: anything },
  required: ['name'],
  seen: limitSeen,
  run: ({ admin }, said) => {
    const { perKey, rest } = said as LimitPart;
    const part = {
      ...(perKey === undefined ? {} : { perKey }),
      ...(rest === undefined ? {} : { rest }),
    };
    return admin.resetLimit(textOf(said, 'name'), part);
  },
};
