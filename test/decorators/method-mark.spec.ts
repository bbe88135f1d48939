import { expect, it } from '@jest/globals';
import { HandleJob } from '../../lib/decorators/handle-job.decorator.js';
import { OnJobEvent } from '../../lib/decorators/on-job-event.decorator.js';
import { HANDLE_JOB } from '../../lib/job/job-handler.js';

class Parent {
  @HandleJob('one')
  @HandleJob('two')
  both(): void {}
}

const namesOn = (type: { prototype: object }): string[] =>
  ((Reflect.getMetadata(HANDLE_JOB, type.prototype, 'both') ?? []) as { name: string }[]).map(
    ({ name }) => name,
  );

it('adds up on one method', () => {
  expect(namesOn(Parent)).toEqual(['two', 'one']);
});

it("replaces a parent's mark where a subclass marks the method anew, and leaves the parent's alone", () => {
  class Child extends Parent {
    @HandleJob('three')
    override both(): void {}
  }
  expect([namesOn(Child), namesOn(Parent)]).toEqual([['three'], ['two', 'one']]);
});

it.each([
  ['@HandleJob', HandleJob('one')],
  ['@OnJobEvent', OnJobEvent('failed')],
])('refuses a static method, which no instance has (%s)', (name, mark) => {
  class Static {
    static both(this: void): void {}
  }
  const descriptor = { value: Static.both };
  expect(() => mark(Static, 'both', descriptor)).toThrow(
    expect.objectContaining({
      code: 'HANDLER_INVALID',
      message: `${name} is on Static.both, which is static. Mark a method of the instance.`,
    }),
  );
});
