import { types } from 'node:util';

/**
 * From now on `instanceof` also knows what another copy of the package has made, since npm easily installs two, and is false for what
 * throws when it is looked at. Classes that extend this one are distinguished as ever.
 */
export function knownAcrossCopies(kind: { prototype: object }, name: string): void {
  const mark = Symbol.for(`nestjs-simple-queue:${name}`);
  Object.defineProperty(kind.prototype, mark, { value: true });
  Object.defineProperty(kind, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      try {
        return this === kind
          ? typeof value === 'object' && value !== null && mark in value
          : isInstance.call(this, value);
      } catch {
        return false;
      }
    },
  });
}

/** Also one of another realm, such as `vm` or Jest. Never throws. */
export const isError = (value: unknown): value is Error =>
  types.isNativeError(value) || (safely(() => value instanceof Error) ?? false);

/** undefined where looking throws. */
export function safely<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

const isInstance = Function.prototype[Symbol.hasInstance] as (
  this: unknown,
  value: unknown,
) => boolean;

/** A promise where none can be awaited: that it fails later must not end the process. */
export function hush(value: unknown): void {
  if (types.isPromise(value)) void Promise.prototype.then.call(value, undefined, () => undefined);
}

/** The same of all that stand within a value which is refused or left out. */
export function hushWithin(value: unknown): void {
  const seen = new Set<unknown>([value]);
  // A set that grows is walked to its end.
  for (const each of seen) {
    hush(each);
    for (const inner of safely(() => within(each)) ?? []) seen.add(inner);
  }
}

function within(value: unknown): Iterable<unknown> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  return types.isMap(value) || types.isSet(value)
    ? [...value.values()]
    : (Object.values(value) as unknown[]);
}

export const isThenable = <Value>(
  answer: Value | PromiseLike<Value>,
): answer is PromiseLike<Value> =>
  typeof (answer as { then?: unknown } | null | undefined)?.then === 'function';
