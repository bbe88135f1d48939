import { expect, it } from '@jest/globals';
import { callOf, recordOf, type SpooledCall } from '../../lib/enqueue/spooled-call.js';

const record = (text: string) => ({ jobs: 1, body: Buffer.from(text) });

it('reads what it has written', () => {
  const at = new Date('2030-01-01T00:00:00Z');
  const job = { id: 'a', queue: 'mail', payload: '1', at, payloadBytes: Buffer.from('raw') };
  const call = { at: 7, jobs: [job] } as unknown as SpooledCall;
  expect(callOf(recordOf(call))).toEqual(call);
});

it.each([
  'null',
  '7',
  'no JSON',
  '{}',
  '{"jobs":{}}',
  '{"jobs":[]}',
  '{"jobs":[null]}',
  '{"jobs":[7]}',
  '{"jobs":[{}]}',
  '{"jobs":[{"id":"a","queue":"mail"},{"id":7,"queue":"mail"}]}',
])('knows nothing of %s, with which its checksum agrees: that is put aside as damaged', (text) => {
  expect(callOf(record(text))).toBeUndefined();
});
