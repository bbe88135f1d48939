/** The queues of a row: `bench`, and with `settings.queues` more of them. */
export const queueNames = ({ queues = 1 }) => [
  'bench',
  ...Array.from({ length: queues - 1 }, (_, index) => `bench-${index + 2}`),
];

/** Where job n goes with `settings.spread`: all queues in turn, three priorities. */
export const spreadOf = (n, { queues }) => ({
  queue: n % queues === 0 ? 'bench' : `bench-${(n % queues) + 1}`,
  priority: n % 3,
});

/** The numbers of each queue. */
export function byQueue(numbers, settings) {
  const groups = new Map(queueNames(settings).map((name) => [name, []]));
  for (const n of numbers) groups.get(spreadOf(n, settings).queue).push(n);
  return groups;
}
