import { quote } from '../names.js';
import { QueueError } from '../queue.errors.js';

const LABEL = /^[A-Za-z0-9_][A-Za-z0-9_.:/=-]{0,63}$/;

/** On one job: each set of labels is a lane of its own, and lanes are few. */
const MAX_LABELS_OF_A_JOB = 16;
const MAX_LABELS_OF_A_WORKER = 100;

export const NO_LABELS: readonly string[] = Object.freeze([]);

/** The labels of a job, sorted and each once: two jobs with the same labels in another order share a lane. */
export function checkLabels(labels: unknown): readonly string[] {
  return checked(labels, MAX_LABELS_OF_A_JOB);
}

/** The labels that a worker has. */
export function checkWorkerLabels(labels: unknown): readonly string[] {
  return checked(labels, MAX_LABELS_OF_A_WORKER);
}

function checked(labels: unknown, max: number): readonly string[] {
  if (!Array.isArray(labels)) throw invalid(`must be a list of strings, not ${quote(labels)}`);
  if (labels.length === 0) return NO_LABELS;
  // A hole in the list is asked, too.
  const unique = new Set(Array.from(labels, checkLabel));
  if (unique.size > max) throw invalid(`there are ${unique.size}, and ${max} are the most`);
  return [...unique].sort();
}

function checkLabel(label: unknown): string {
  if (typeof label === 'string' && LABEL.test(label)) return label;
  const form =
    'Use 1 to 64 of letters, digits and _ . : / = -, starting with a letter, a digit or _';
  throw new QueueError('INVALID_NAME', `${quote(label)} is not a label. ${form}.`);
}

const invalid = (problem: string): QueueError =>
  new QueueError('INVALID_OPTION', `labels: ${problem}.`);
