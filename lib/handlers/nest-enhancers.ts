import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import { QueueError } from '../job/queue.errors.js';
import { EnhancedCall } from './enhanced-call.js';
import {
  configOf,
  nestParts,
  type CallPlace,
  type HandlerMethod,
  type NestParts,
} from './nest-parts.js';
import type { ProvidedClass } from './provided-class.js';

/** Where Nest's decorators keep what they were given, on the class and on the method. */
const MARKS = {
  guards: '__guards__',
  interceptors: '__interceptors__',
  pipes: '__pipes__',
  filters: '__exceptionFilters__',
};

/**
 * What `@UseGuards`, `@UseInterceptors`, `@UsePipes` and `@UseFilters` put around a method, taken from the parts of Nest's external context.
 * They are put together again because an external context logs each error by itself, knows pipes for decorated parameters alone, and takes
 * what a filter returns for the method's own result.
 */
export class NestEnhancers {
  private readonly parts: NestParts;

  /** With `isGlobal` the application's own too (`APP_GUARD`, `useGlobalGuards()`). */
  constructor(
    private readonly external: ExternalContextCreator,
    private readonly isGlobal: boolean,
  ) {
    this.parts = nestParts(external, isGlobal);
  }

  /** Calls through them; undefined: nothing surrounds the method, and it is called itself. */
  of(provided: ProvidedClass, name: string): MethodEnhancers | undefined {
    const given = Object.values(MARKS).flatMap((mark) => marksOf(mark, provided, name));
    if (given.length === 0 && !this.isGlobal) return undefined;
    // Not sooner: Nest takes in the application's own after all providers are made.
    if (this.isGlobal) refuseScoped(this.external);
    refuseUnmade(provided, name, given);
    return new MethodEnhancers(this.parts, provided, name);
  }
}

/** Whether the decorators of this method, or of its class, name pipes. */
export function hasPipes(provided: ProvidedClass, name: string): boolean {
  return marksOf(MARKS.pipes, provided, name).length > 0;
}

/** The enhancers of one method, for whichever instance of its class. */
export class MethodEnhancers {
  constructor(
    private readonly parts: NestParts,
    private readonly provided: ProvidedClass,
    private readonly name: string,
  ) {}

  /** `contextId`: of the one job or tenant that the instance was made for. */
  around(instance: object, contextId?: ContextId): EnhancedCall {
    const { parts, provided } = this;
    const method = (instance as Record<string, HandlerMethod>)[this.name]!;
    const place: CallPlace = [instance, method, provided.host.token, contextId, provided.id];
    const enhancers = {
      guards: parts.guardsContextCreator.create(...place),
      interceptors: parts.interceptorsContextCreator.create(...place),
      pipes: parts.pipesContextCreator.create(...place),
      filters: parts.filtersContextCreator.create(...place),
    };
    return new EnhancedCall(parts, { instance, method }, enhancers);
  }
}

function marksOf(mark: string, provided: ProvidedClass, name: string): unknown[] {
  const method = provided.method(name);
  // The class of the instance: a stand-in of a test is not guarded by what guards the class that it stands for.
  const type = provided.scope ? provided.type : provided.instance.constructor;
  return [type, method].flatMap(
    (target) => (target && (Reflect.getMetadata(mark, target) as unknown[] | undefined)) ?? [],
  );
}

/** Nest skips in silence what it did not make, and a guard must not be skipped. It makes those of classes, but not of factories and values. */
function refuseUnmade(provided: ProvidedClass, name: string, given: unknown[]): void {
  const unmade = given.find(
    (each) => typeof each === 'function' && !provided.host.injectables.has(each as never),
  );
  if (!unmade) return;
  throw new QueueError(
    'HANDLER_INVALID',
    `${provided.name}.${name} (in ${provided.module}) names ${(unmade as { name: string }).name}, which Nest has not created: it creates none for what factories ` +
      'and values provide, and its older versions none for useClass. Provide the class itself, or give the decorator an instance.',
  );
}

/** Nest would hand out placeholders for them here, whose constructors never ran. */
function refuseScoped(external: ExternalContextCreator): void {
  const config = configOf(external);
  const scoped = [
    ...(config?.getGlobalRequestGuards() ?? []),
    ...(config?.getGlobalRequestInterceptors() ?? []),
    ...(config?.getGlobalRequestPipes() ?? []),
    ...(config?.getGlobalRequestFilters() ?? []),
  ].map(({ metatype }) => metatype?.name ?? 'one without a name');
  if (scoped.length === 0) return;
  throw new QueueError(
    'INVALID_OPTION',
    `globalEnhancers: ${scoped.join(', ')} of this application are request-scoped or transient, and handlers take only singletons of the whole application. ` +
      'Make them singletons, or leave the option out and name enhancers on the handlers.',
  );
}
