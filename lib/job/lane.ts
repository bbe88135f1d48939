/** What names a lane. Labels are sorted. */
export interface LaneName {
  queue: string;
  name: string;
  labels?: readonly string[];
}

/** What is claimed: the jobs of one name and one set of labels in one queue. Its numbers are what the database last said of it. */
export interface Lane extends LaneName {
  id: number;
  queueId: number;
  labels: readonly string[];
}
