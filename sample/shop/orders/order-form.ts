import { BadRequestException } from '@nestjs/common';
import type { Order } from './order.js';

/** What a customer says; the rest of an order is the shop's. */
export type OrderForm = Pick<
  Order,
  'id' | 'day' | 'customer' | 'email' | 'item' | 'quantity' | 'amount' | 'currency' | 'webhook'
>;

interface Rule {
  holds: (value: unknown) => boolean;
  expects: string;
}

const CURRENCIES = ['EUR', 'USD', 'GBP', 'CHF'];
const PRINTABLE = /^[^\p{Cc}\p{Cs}]{1,80}$/u;

const RULES: Record<keyof OrderForm, Rule> = {
  id: {
    holds: matches(/^[A-Z0-9-]{1,20}$/),
    expects: 'an order number of up to 20 of A-Z, 0-9 and -',
  },
  day: { holds: isDay, expects: 'a date (YYYY-MM-DD)' },
  customer: { holds: matches(PRINTABLE), expects: 'a name of up to 80 characters' },
  email: {
    holds: matches(/^[^\s@\p{Cc}\p{Cs}]{1,64}@[^\s@\p{Cc}\p{Cs}]{1,190}\.[a-z]{2,}$/iu),
    expects: 'an e-mail address',
  },
  item: { holds: matches(PRINTABLE), expects: 'an item of the catalogue' },
  quantity: {
    holds: (value) => Number.isInteger(value) && isBetween(1, 99, value),
    expects: 'a whole number from 1 to 99',
  },
  amount: { holds: isAmount, expects: 'an amount above 0 with at most two decimals' },
  currency: {
    holds: (value) => CURRENCIES.includes(value as string),
    expects: `one of ${CURRENCIES.join(', ')}`,
  },
  webhook: { holds: isWebhook, expects: 'a path of this shop or an http(s) URL' },
};

/** Checks what came in and answers with every reason at once: who sends orders should not have to try field by field. */
export function readOrder(body: unknown): OrderForm {
  const given = (typeof body === 'object' && body !== null ? body : {}) as Record<
    keyof OrderForm,
    unknown
  >;
  const form = { ...given, webhook: given.webhook || null };
  const problems = (Object.keys(RULES) as (keyof OrderForm)[]).flatMap((field) =>
    problemOf(field, form[field]),
  );
  if (problems.length > 0) throw new BadRequestException(problems);
  const { id, day, customer, email, item, quantity, amount, currency, webhook } = form as OrderForm;
  return {
    id,
    day,
    customer,
    email,
    item,
    quantity,
    amount: Number(amount).toFixed(2),
    currency,
    webhook,
  };
}

function problemOf(field: keyof OrderForm, value: unknown): string[] {
  if (RULES[field].holds(value)) return [];
  if (value === undefined || value === null || value === '') return [`${field} is missing`];
  return [`${field} ${JSON.stringify(value).slice(0, 60)} is not ${RULES[field].expects}`];
}

function matches(pattern: RegExp): Rule['holds'] {
  return (value) => typeof value === 'string' && value.trim() !== '' && pattern.test(value);
}

/** The way there and back finds the 30th of February, which JavaScript takes for the 2nd of March. */
function isDay(value: unknown): boolean {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

function isAmount(value: unknown): boolean {
  return typeof value === 'string' && /^\d{1,8}(\.\d{1,2})?$/.test(value) && Number(value) > 0;
}

/** A shop on the open internet also refuses hosts inside its own network: the URL is the customer's choice. */
function isWebhook(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value !== 'string' || value.length > 500) return false;
  return value.startsWith('/')
    ? !value.startsWith('//')
    : /^https?:\/\//.test(value) && URL.canParse(value);
}

function isBetween(min: number, max: number, value: unknown): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}
