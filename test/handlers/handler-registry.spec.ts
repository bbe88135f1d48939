import { expect, it } from '@jest/globals';
import { HandlerRegistry, type Handler } from '../../lib/handlers/handler-registry.js';

const aHandler = (queue: string, name: string | undefined, label = 'Mailer.process'): Handler => ({
  queue,
  name,
  label,
  options: {},
  bound: {},
  run: () => undefined,
});

function registryOf(...handlers: Handler[]): HandlerRegistry {
  const registry = new HandlerRegistry();
  handlers.forEach((handler) => registry.add(handler));
  return registry;
}

it('finds the handler of a name, else the one that takes the rest, else none', () => {
  const [welcome, rest, other] = [
    aHandler('mail', 'welcome'),
    aHandler('mail', undefined),
    aHandler('bills', 'first'),
  ];
  const registry = registryOf(welcome, rest, other);
  const found = [
    registry.find('mail', 'welcome'),
    registry.find('mail', 'goodbye'),
    registry.find('bills', 'second'),
    registry.find('fax', ''),
  ];
  expect(found).toEqual([welcome, rest, undefined, undefined]);
});

it('finds the exact queue before the longest prefix before the star', () => {
  const [star, mail, bulk, exact] = ['*', 'mail.*', 'mail.bulk.*', 'mail.bulk.eu'].map((queue) =>
    aHandler(queue, undefined),
  );
  const registry = registryOf(star!, mail!, exact!, bulk!);

  const found = ['mail.bulk.eu', 'mail.bulk.us', 'mail.urgent', 'orders'].map((queue) =>
    registry.find(queue, 'any'),
  );

  expect(found).toEqual([exact, bulk, mail, star]);
});

it('lets a name that the closer handlers do not take fall through to the wider ones', () => {
  const [welcome, rest] = [aHandler('mail.bulk', 'welcome'), aHandler('mail.*', undefined)];
  const registry = registryOf(welcome, rest, aHandler('*', 'welcome'));

  expect([registry.find('mail.bulk', 'welcome'), registry.find('mail.bulk', 'other')]).toEqual([
    welcome,
    rest,
  ]);
  expect(registry.of('mail.bulk')).toEqual([welcome, rest]);
  expect(registry.find('orders', 'other')).toBeUndefined();
});

it('refuses a second handler for the same pattern and name', () => {
  const registry = registryOf(aHandler('mail.*', 'welcome'));
  expect(() => registry.add(aHandler('mail.*', 'welcome'))).toThrow(
    expect.objectContaining({ code: 'HANDLER_DUPLICATE' }),
  );
});

it('takes any name for a name', () => {
  const strange = aHandler('__proto__', 'constructor');
  const registry = registryOf(strange);
  expect([
    registry.find('__proto__', 'constructor'),
    registry.find('constructor', '__proto__'),
  ]).toEqual([strange, undefined]);
  expect(registry.queueNames()).toEqual(['__proto__']);
});

it('refuses a second handler for the same jobs, naming both', () => {
  const registry = registryOf(aHandler('mail', undefined, 'Mailer.process'));
  expect(() => registry.add(aHandler('mail', undefined, 'Postman.process'))).toThrow(
    expect.objectContaining({
      code: 'HANDLER_DUPLICATE',
      message: expect.stringMatching(/"mail".*Mailer\.process and Postman\.process/),
    }),
  );
});
