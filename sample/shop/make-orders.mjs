// Writes the orders of the sample: node sample/shop/make-orders.mjs > sample/shop/orders.csv
// The same lines each time, so that the file can be checked and a run be compared with another.

const ORDERS = 3_000;
const ITEMS = {
  'beans-250': 9.5,
  'beans-1000': 34,
  'decaf-250': 10.5,
  'moka-3': 29.9,
  'filter-100': 4.2,
  grinder: 89,
};
const FIRST = [
  'Ada',
  'Björn',
  'Chloé',
  'Dario',
  'Edith',
  'Farah',
  'Göran',
  'Inês',
  'Jürgen',
  'Khadija',
  'Liam',
  'Mina',
  'Noor',
  'Owen',
];
const LAST = [
  'Almeida',
  'Brandt',
  'Çelik',
  'Dubois',
  'Eriksen',
  'Fontana',
  'García',
  'Haddad',
  'Ito',
  'Jensen',
  'Keller',
  'Müller',
];
const CURRENCIES = ['EUR', 'EUR', 'EUR', 'USD', 'GBP', 'CHF'];

/** How the customer's server treats webhooks, by the order's number; the others get one in three delivered, or want none. */
const TEMPERS = new Map([
  ...[150, 650, 1150, 1650, 2150, 2650].map((order) => [order, 'broken']),
  ...[400, 1200, 2000, 2800].map((order) => [order, 'gone']),
  ...[90, 330, 570, 810, 1050, 1290, 1530, 1770, 2010, 2250, 2490, 2730].map((order) => [
    order,
    'flaky',
  ]),
  ...[210, 990, 1830, 2610].map((order) => [order, 'slow']),
]);

/** The bank refuses them: their goods go back on the shelf. */
const isBroke = (number) => number % 300 === 20;

/** Only ten of them exist: two of these orders come too late, whichever two. */
const SIGNED_BOOKS = Array.from({ length: 12 }, (_, index) => 120 + index * 240);

/** What goes wrong in files: each spoils one line, by the number of the order that it follows. */
const SPOILERS = [
  (cells) => ({ ...cells, email: '' }),
  (cells) => ({ ...cells, amount: `-${cells.amount}` }),
  (cells) => ({ ...cells, currency: 'DOGE' }),
  (cells) => ({ ...cells, day: '31/02/2025' }),
  (cells) => ({ ...cells, day: '2025-02-30' }),
  (cells) => ({ ...cells, quantity: 'two' }),
  (cells) => ({ ...cells, email: 'nobody@nowhere', quantity: '0' }),
  (cells) => ({ ...cells, item: 'unobtainium' }),
  (cells) => ({ ...cells, id: 'A-00001' }),
  (cells) => ({ ...cells, webhook: 'ftp://example.com/hook' }),
  (cells) => Object.values(cells).slice(0, 6),
  (cells) => [...Object.values(cells), 'and', 'more'],
  (cells) => line(cells).replace(`,${cells.email}`, `,"${cells.email}`),
  (cells) => line(cells).replace(`,${cells.email}`, `,"${cells.email}" <work>`),
];

/** A small generator with a seed (mulberry32): Math.random would write another file each time. */
let seed = 20_250_301;
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
}

const pick = (choices) => choices[Math.floor(random() * choices.length)];
const orderId = (number, letter = 'A') => `${letter}-${String(number).padStart(5, '0')}`;

function anOrder(number, letter) {
  const [first, last] = [pick(FIRST), pick(LAST)];
  const [item, price] = SIGNED_BOOKS.includes(number)
    ? ['book-signed', 45]
    : pick(Object.entries(ITEMS));
  const quantity = item === 'book-signed' ? 1 : 1 + Math.floor(random() * 4);
  const temper = TEMPERS.get(number) ?? (random() < 1 / 3 ? 'steady' : undefined);
  return {
    id: orderId(number, letter),
    day: `2025-03-0${1 + Math.floor(((number - 1) * 7) / ORDERS)}`,
    customer: random() < 0.1 ? `${last}, ${first}` : `${first} ${last}`,
    email: `${first}.${last}@${isBroke(number) ? 'broke.example' : 'example.com'}`
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
      .toLowerCase(),
    item,
    quantity: String(quantity),
    amount: (price * quantity).toFixed(2),
    currency: pick(CURRENCIES),
    webhook: temper ? `/customers/${temper}/webhook` : '',
  };
}

const quoted = (cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
const line = (cells) =>
  typeof cells === 'string' ? cells : Object.values(cells).map(quoted).join(',');

const lines = ['id,day,customer,email,item,quantity,amount,currency,webhook'];
for (let number = 1; number <= ORDERS; number++) {
  lines.push(line(anOrder(number, 'A')));
  // Twice through the list of spoilers, from the first lines on, so that nobody has to wait for the first complaint.
  const spoiler =
    number % 100 === 40 ? SPOILERS[((number - 40) / 100) % SPOILERS.length] : undefined;
  if (spoiler) lines.push(line(spoiler(anOrder(number, 'B'))));
}
process.stdout.write(`${lines.join('\n')}\n`);
