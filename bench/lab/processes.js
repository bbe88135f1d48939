import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of the kernel's accounting in a second: 100 on every Linux. */
const TICKS = 100;

/** CPU seconds of a process, its living descendants, and those that have ended and were waited for. */
export function treeSeconds(root) {
  const table = processTable();
  const children = Map.groupBy?.(table.values(), (entry) => entry.parent) ?? groupByParent(table);
  const sum = (pid) =>
    (table.get(pid)?.seconds ?? 0) +
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child.pid), 0);
  return sum(root);
}

/** CPU seconds that the whole machine spent, what its host took away included. */
export function machineSeconds() {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS;
}

export function parentOf(pid) {
  return statOf(pid)?.parent;
}

function processTable() {
  const table = new Map();
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (entry) table.set(entry.pid, entry);
  }
  return table;
}

/** The name in brackets may hold anything; what follows the last bracket is numbers. */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [user, system, childUser, childSystem] = fields.slice(11, 15).map(Number);
    return {
      pid,
      parent: Number(fields[1]),
      seconds: (user + system + childUser + childSystem) / TICKS,
    };
  } catch {
    return undefined;
  }
}

function groupByParent(table) {
  const children = new Map();
  for (const entry of table.values())
    children.set(entry.parent, [...(children.get(entry.parent) ?? []), entry]);
  return children;
}
