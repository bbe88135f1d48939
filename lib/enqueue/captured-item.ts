import { types } from 'node:util';
import { payloadText } from '../job/values/payload.js';

/**
 * An item as it is now, where it is read later: behind a schema that ends later, or a telemetry that goes on later. What cannot be
 * copied is left as it is, and refused when it is read.
 */
export function capturedItem<Item extends { payload?: unknown }>(item: Item): Item {
  try {
    const { payload, ...options } = item;
    if (payload === undefined) return { ...capturedOptions(options), payload } as Item;
    const text = payloadText(payload, Infinity);
    return { ...capturedOptions(options), payload: JSON.parse(text) as unknown } as Item;
  } catch {
    return item;
  }
}

/** The options, with copies of those that a caller could change. */
export function capturedOptions<Options extends object>(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, copyOf(value)]),
  ) as Options;
}

function copyOf(value: unknown): unknown {
  if (types.isUint8Array(value)) return Buffer.from(value);
  if (types.isDate(value)) return new Date(value);
  if (Array.isArray(value)) return [...(value as unknown[])];
  return typeof value === 'object' && value !== null && isPlain(value) ? { ...value } : value;
}

/** Of any realm: its prototype is the last one, or there is none. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
