import { BadRequestException } from '@nestjs/common';
import { expect, it } from '@jest/globals';
import { anOrderForm } from '../shop.fixture.js';
import { readOrder } from './order-form.js';

function reasons(body: unknown): unknown {
  try {
    return readOrder(body);
  } catch (error) {
    return ((error as BadRequestException).getResponse() as { message: string[] }).message;
  }
}

it('reads a good order, and takes nothing else from the request', () => {
  expect(readOrder({ ...anOrderForm(), state: 'cancelled' })).toEqual(anOrderForm());
});

it('brings an amount to two decimals, and a webhook that is empty to none', () => {
  expect(readOrder({ ...anOrderForm(), amount: '19', webhook: '' })).toMatchObject({
    amount: '19.00',
    webhook: null,
  });
});

it.each([
  [{ email: '' }, 'email is missing'],
  [{ email: 'nobody' }, 'email "nobody" is not an e-mail address'],
  [{ amount: '-1.00' }, 'amount "-1.00" is not an amount above 0 with at most two decimals'],
  [{ amount: '0' }, 'amount "0" is not an amount above 0 with at most two decimals'],
  [{ amount: 12 }, 'amount 12 is not an amount above 0 with at most two decimals'],
  [{ currency: 'DOGE' }, 'currency "DOGE" is not one of EUR, USD, GBP, CHF'],
  [{ day: '2025-02-30' }, 'day "2025-02-30" is not a date (YYYY-MM-DD)'],
  [{ day: '31/02/2025' }, 'day "31/02/2025" is not a date (YYYY-MM-DD)'],
  [{ quantity: 1.5 }, 'quantity 1.5 is not a whole number from 1 to 99'],
  [{ quantity: '2' }, 'quantity "2" is not a whole number from 1 to 99'],
  [{ customer: 'A\0da' }, 'customer "A\\u0000da" is not a name of up to 80 characters'],
  [
    { id: "A'; drop table" },
    `id "A'; drop table" is not an order number of up to 20 of A-Z, 0-9 and -`,
  ],
  [
    { webhook: '//evil.example' },
    'webhook "//evil.example" is not a path of this shop or an http(s) URL',
  ],
  [
    { webhook: 'ftp://example.com' },
    'webhook "ftp://example.com" is not a path of this shop or an http(s) URL',
  ],
])('refuses %j', (change, reason) => {
  expect(reasons({ ...anOrderForm(), ...change })).toEqual([reason]);
});

it('tells all reasons at once', () => {
  expect(reasons({ ...anOrderForm(), email: '', quantity: 0 })).toHaveLength(2);
});

it.each([[undefined], [null], ['text'], [[]]])('refuses a body that is %j', (body) => {
  expect(reasons(body)).toContain('id is missing');
});
