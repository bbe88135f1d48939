import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Child } from '../support/child.js';
import type { TestDatabase } from '../support/database.js';
import { aDatabase } from '../support/template.js';
import { RULES } from '../support/transaction-rules.js';

describe.each(['@nestjs-cls/transactional', 'typeorm-transactional'])(
  'inside @Transactional() of %s',
  (which) => {
    let database: TestDatabase;
    let child: Child;

    beforeAll(async () => {
      database = await aDatabase();
      const env = { DATABASE_URL: database.url, CHILD_PACKAGE: which };
      child = new Child(new URL('./child-transactions.ts', import.meta.url), env);
    });

    afterAll(async () => {
      expect(await child.exited()).toBe(0);
      await database.drop();
    });

    it.each(Object.keys(RULES))('%s', async (rule) => {
      const { problem, misplaced } = await child.says((line) => line.rule === rule);
      expect(problem).toBeUndefined();
      expect(misplaced).toEqual([]);
    });
  },
);
