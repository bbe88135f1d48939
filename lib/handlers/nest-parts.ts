import type {
  ArgumentMetadata,
  CanActivate,
  ExecutionContext,
  NestInterceptor,
  PipeTransform,
} from '@nestjs/common';
import { type ApplicationConfig, ExternalContextCreator, type ContextId } from '@nestjs/core';
import type { Observable } from 'rxjs';

export type HandlerMethod = (...args: unknown[]) => unknown;

/** Instance, method, key of the module, and for what the instance was made: how Nest finds the enhancers of a call. */
export type CallPlace = readonly [object, HandlerMethod, string, ContextId | undefined, string];

type Call = readonly [args: unknown[], instance: object, method: HandlerMethod];

interface Creator<Enhancers> {
  create(...place: CallPlace): Enhancers;
}

export interface ExceptionFilters {
  /** What the first filter that fits returns; nothing without one. */
  invokeCustomFilters(error: unknown, host: ExecutionContext): unknown;
}

/** The parts of Nest's external context that handlers are called through. They are its private members, of these names in Nest 11 and 12. */
export interface NestParts {
  readonly guardsContextCreator: Creator<CanActivate[]>;
  readonly interceptorsContextCreator: Creator<NestInterceptor[]>;
  readonly pipesContextCreator: Creator<PipeTransform[]>;
  readonly filtersContextCreator: Creator<ExceptionFilters>;
  readonly guardsConsumer: {
    tryActivate(guards: CanActivate[], ...call: [...Call, type: string]): Promise<boolean>;
    createContext(...call: Call): ExecutionContext & { setType(type: string): void };
  };
  readonly interceptorsConsumer: {
    intercept(
      interceptors: NestInterceptor[],
      ...call: [...Call, next: () => Promise<unknown>, type: string]
    ): Promise<Observable<unknown>>;
  };
  readonly pipesConsumer: {
    applyPipes(
      value: unknown,
      metadata: ArgumentMetadata,
      pipes: PipeTransform[],
    ): Promise<unknown>;
  };
}

type Container = Parameters<typeof ExternalContextCreator.fromContainer>[0];

const containerOf = (external: ExternalContextCreator): Container =>
  (external as unknown as { container: Container }).container;

/** The application's own enhancers are found through this. */
export const configOf = (external: ExternalContextCreator): ApplicationConfig | undefined =>
  containerOf(external).applicationConfig;

/** An external context always runs the application's own enhancers; these parts are of one that knows none, unless they are asked for. */
export function nestParts(external: ExternalContextCreator, withGlobal: boolean): NestParts {
  const getModules = (): unknown => containerOf(external).getModules();
  const container = withGlobal
    ? containerOf(external)
    : ({ getModules, applicationConfig: undefined } as Container);
  return ExternalContextCreator.fromContainer(container) as unknown as NestParts;
}
