// What must and must not compile of workflows: checked by `npm run types`, never run.
import { expectTypeOf } from 'expect-type';
import { defineJob, type Job } from '../../lib/index.js';
import { workflow, type OutputsOf, type QueueWorkflows } from '../../lib/workflows.js';

const Charge = defineJob<{ cents: number }, { receipt: string }>()({ queue: 'charges' });
const Refund = defineJob<{ cents: number; n: number }, void>()({ queue: 'refunds' });

const flow = workflow('order')
  .step('charge', Charge, { cents: 1 }, { compensate: [Refund, { cents: 1, n: 0 }] })
  .each('parcels', Charge, [{ cents: 2 }], {
    after: 'charge',
    compensate: [Refund, ({ cents }, n) => ({ cents, n })],
  })
  .job('other', '0197e9a6-0000-7000-8000-000000000000')
  .step('end', 'mail', 'of no template', { after: ['charge', 'parcels'], when: 'ended' });

expectTypeOf<OutputsOf<typeof flow>['charge']>().toEqualTypeOf<{ receipt: string }>();
expectTypeOf<OutputsOf<typeof flow>['parcels']>().toEqualTypeOf<{ receipt: string }[]>();
expectTypeOf<OutputsOf<typeof flow>['other']>().toEqualTypeOf<unknown>();
expectTypeOf<keyof OutputsOf<typeof flow>>().toEqualTypeOf<
  'charge' | 'parcels' | 'other' | 'end'
>();

export const upstream = async (workflows: QueueWorkflows, job: Job): Promise<void> => {
  const { charge, parcels } = await workflows.upstream<typeof flow>(job);
  expectTypeOf(charge).toEqualTypeOf<{ receipt: string } | undefined>();
  expectTypeOf(parcels).toEqualTypeOf<{ receipt: string }[] | undefined>();
};

export const wrong = [
  // @ts-expect-error a step waits for those that were declared before it
  () => workflow('w').step('a', Charge, { cents: 1 }, { after: 'b' }),
  // @ts-expect-error nor for itself
  () => workflow('w').step('a', Charge, { cents: 1 }, { after: ['a'] }),
  // @ts-expect-error its payload is that of the template
  () => workflow('w').step('a', Charge, { euros: 1 }),
  // @ts-expect-error so is each
  () => workflow('w').each('a', Charge, [{ cents: '1' }]),
  // @ts-expect-error and that of what compensates it
  () => workflow('w').step('a', Charge, { cents: 1 }, { compensate: [Refund, { cents: 1 }] }),
  // @ts-expect-error its job belongs to the workflow
  () => workflow('w').step('a', Charge, { cents: 1 }, { uniqueKey: 'k' }),
  // @ts-expect-error a condition is one of three
  () => flow.step('b', Charge, { cents: 1 }, { after: 'charge', when: 'done' }),
];
