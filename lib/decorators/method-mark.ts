import 'reflect-metadata';
import type { BatchOptions } from '../job/job-handler.js';
import { QueueError } from '../job/queue.errors.js';

/** Is a batch asked for? Not where options come in a variable of the broad type, which may or may not hold one. */
export type IsBatch<Batch> = [Batch] extends [undefined]
  ? false
  : [Batch] extends [BatchOptions]
    ? 'lingerMs' extends keyof Batch
      ? // Not `undefined extends`: without `strictNullChecks` that holds of everything.
        Batch extends Required<Pick<Batch, 'lingerMs'>>
        ? true
        : false
      : true
    : false;

/** A method decorator that the compiler lets stand only on methods of this kind. */
export type MethodMark<Method> = <Marked extends Method>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<Marked>,
) => void;

/**
 * The mark belongs to the class and the method's name, not to the function: other decorators replace functions (`@Transactional()`), and a
 * subclass that overrides the method means the same job. Marks add up on one method; the class says that it has some.
 */
export function markMethod<Method>(
  key: symbol,
  decorator: string,
  mark: object,
): MethodMark<Method> {
  return (target, method) => {
    if (typeof target === 'function') throw isStatic(decorator, `${target.name}.${String(method)}`);
    const marks = (Reflect.getOwnMetadata(key, target, method) ?? []) as object[];
    Reflect.defineMetadata(key, [...marks, mark], target, method);
    Reflect.defineMetadata(key, true, target);
  };
}

function isStatic(decorator: string, method: string): QueueError {
  return new QueueError(
    'HANDLER_INVALID',
    `${decorator} is on ${method}, which is static. Mark a method of the instance.`,
  );
}
