import type { LimitPart } from '../../admin/limits.js';
import { anything, textOf, type Action } from '../action.js';

/** What processes declare holds again. */
export const resetLimit: Action = {
  permission: 'limits',
  takes: { name: anything, perKey: anything },
  required: ['name'],
  run: ({ admin }, said) => {
    const { perKey } = said as LimitPart;
    return admin.resetLimit(textOf(said, 'name'), perKey === undefined ? {} : { perKey });
  },
};
