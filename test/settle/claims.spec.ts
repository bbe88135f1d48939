import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from '../../lib/storage/connection/database-errors.js';
import { Claims } from '../../lib/settle/claims.js';

describe('claims', () => {
  it('are known from before their statement leaves, so that the heartbeat does not free them', () => {
    const claims = new Claims();
    claims.expect('a');
    expect(claims.ids()).toEqual(['a']);
  });

  it('are ended only when all of their runs are acknowledged', () => {
    const claims = new Claims();
    claims.expect('a');
    const claim = claims.arrived('a', 2);

    claims.settled(claim);
    expect(claims.takeEnded([])).toEqual([]);
    claims.settled(claim);

    expect(claims.takeEnded([])).toEqual(['a']);
    claims.deleted(['a']);
    expect(claims.ids()).toEqual([]);
  });

  it('may go with the statement that settles their last runs, and are listed once', () => {
    const claims = new Claims();
    claims.expect('a');
    const claim = claims.arrived('a', 1);

    const leaving = claims.takeEnded([claim]);
    claims.deleted(leaving);
    claims.settled(claim);

    expect(leaving).toEqual(['a']);
    expect(claims.hasEnded).toBe(false);
  });

  it('are listed again when that statement failed and their runs are settled by now', () => {
    const claims = new Claims();
    claims.expect('a');
    const claim = claims.arrived('a', 1);

    const leaving = claims.takeEnded([claim]);
    claims.notDeleted(leaving);
    expect(claims.hasEnded).toBe(false);
    claims.settled(claim);

    expect(claims.takeEnded([])).toEqual(['a']);
  });

  it('are forgotten when they brought nothing, or when their answer was lost', () => {
    const claims = new Claims();
    for (const id of ['empty', 'lost']) claims.expect(id);
    claims.arrived('empty', 0);
    claims.forget('lost');
    expect(claims.ids()).toEqual([]);
  });

  it('tell when the last of their runs is acknowledged', () => {
    const claims = new Claims();
    claims.expect('a');
    const claim = claims.arrived('a', 2);
    let ends = 0;
    claim.onEnd = () => ends++;

    claims.settled(claim);
    expect(ends).toBe(0);
    claims.settled(claim);
    expect(ends).toBe(1);
  });

  it('frees those whose answer was lost, again until it was done, and those alone', async () => {
    const claims = new Claims();
    const freed: string[][] = [];
    const lost = new DatabaseError('claim', new Error('Connection terminated unexpectedly'));
    const refused = new DatabaseError('claim', Object.assign(new Error('no'), { code: '42501' }));
    for (const [id, error] of Object.entries({ lost, refused })) {
      claims.expect(id);
      claims.forget(id, error);
    }
    await expect(claims.free(() => Promise.reject(lost))).rejects.toBe(lost);
    await claims.free((ids) => Promise.resolve(void freed.push(ids)));
    await claims.free((ids) => Promise.resolve(void freed.push(ids)));
    expect(freed).toEqual([['lost']]);
  });

  it('leave room for as many jobs as a line bears, with those under way', () => {
    const claims = new Claims(1_000);
    claims.expect('slow', 16);
    expect(claims.room).toBe(Infinity);
    claims.forget('slow', new DatabaseError('claim', new Error('Query read timeout')));
    expect(claims.room).toBe(4);
    claims.expect('next', 3);
    expect(claims.room).toBe(1);
    claims.arrived('next', 3);
    expect(claims.room).toBe(4);
  });
});
