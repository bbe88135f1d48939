import { describe, expect, it } from '@jest/globals';
import { Claims } from '../../lib/worker/claims.js';

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
});
