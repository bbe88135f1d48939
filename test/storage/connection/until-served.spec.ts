import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from '../../../lib/storage/connection/database-errors.js';
import { untilServed } from '../../../lib/storage/connection/until-served.js';

describe('a start', () => {
  const errorOf = (given: object): DatabaseError =>
    new DatabaseError('start', Object.assign(new Error('no'), given));

  /** How often it was tried, where the second one would do. */
  async function triesOf(error: Error, patienceMs?: number): Promise<number> {
    let tries = 0;
    const work = () => (++tries < 2 ? Promise.reject(error) : Promise.resolve());
    await untilServed(work, { ...(patienceMs === undefined ? {} : { patienceMs }) }).catch(
      (thrown: unknown) => expect(thrown).toBe(error),
    );
    return tries;
  }

  it.each(['57P03', '57P01', '53300', '08006', '25006', 'ECONNREFUSED', 'ECONNRESET'])(
    'is tried again where nobody serves it: %s',
    async (code) => expect(await triesOf(errorOf({ code }))).toBe(2),
  );

  it.each(['28P01', '28000', '3D000', '42501', '42P01', '57014'])(
    'fails at once where the server refuses it: %s',
    async (code) => expect(await triesOf(errorOf({ code }))).toBe(1),
  );

  it('fails with the reason where the time is over', async () => {
    expect(await triesOf(errorOf({ code: '57P03' }), 0)).toBe(1);
    expect(await triesOf(new Error('another'))).toBe(1);
  });
});
