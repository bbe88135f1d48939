import type { LimitPart } from '../../admin/limits.js';
import { anything, textOf, type Action } from '../action.js';
import { limitSeen } from '../seen.js';

/** A limit that no live process declares is taken away. */
export const removeLimit: Action = {
  permission: 'limits',
  takes: { name: anything, perKey: anything },
  required: ['name'],
  seen: limitSeen,
  run: ({ admin }, said) => {
    const { perKey } = said as LimitPart;
    return admin.removeLimit(textOf(said, 'name'), perKey === undefined ? {} : { perKey });
  },
};
