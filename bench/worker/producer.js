import { now, rest } from './clock.js';

/** Enqueues one by one: `callers` side by side as fast as they can (at most `limitMs`), or one each `everyMs`. */
export function produce(system, order) {
  return order.everyMs === undefined ? asFastAsCan(system, order) : steadily(system, order);
}

async function asFastAsCan(system, { count, callers, limitMs }) {
  const start = now();
  const deadline = start + limitMs;
  const took = [];
  let next = 0;
  const caller = async () => {
    while (next < count && now() < deadline) {
      const at = now();
      await system.enqueue(next++);
      took.push(now() - at);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { ms: now() - start, done: took.length, took: Float64Array.from(took) };
}

/** Keeps to its times whatever a call takes: a slow answer must not hide behind fewer calls. */
async function steadily(system, { from = 0, count, everyMs }) {
  const calledAt = new Float64Array(count);
  const returnedAt = new Float64Array(count);
  const calls = [];
  const start = now();
  for (let n = 0; n < count;) {
    for (; n < count && now() >= start + n * everyMs; n++)
      calls.push(call(system, from, n, { calledAt, returnedAt }));
    await rest(Math.max(0, start + n * everyMs - now()));
  }
  await Promise.all(calls);
  return { calledAt, returnedAt };
}

async function call(system, from, n, { calledAt, returnedAt }) {
  calledAt[n] = now();
  await system.enqueue(from + n);
  returnedAt[n] = now();
}
