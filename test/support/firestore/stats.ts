/** Counters: RPCs, documents as Firestore bills them (https://cloud.google.com/firestore/pricing), and round trips. */

export interface FirestoreStats {
  /** Calls by method. */
  readonly rpcs: Readonly<Record<string, number>>;
  readonly documentsRead: number;
  readonly documentsWritten: number;
  readonly documentsDeleted: number;
  /**
   * Round trips: a call that comes in while another is being served shares that one's. For one client after another
   * this is how often they waited. Give the server a latency, so that what is sent together overlaps.
   */
  readonly rounds: number;
  /** Faults that struck, by kind. */
  readonly faults: Readonly<Record<string, number>>;
}

export interface Bill {
  read(documents: number): void;
  write(documents: number): void;
  delete(documents: number): void;
}

export function createCounters() {
  let stats = emptyStats();
  let active = 0;
  let inRound = false;

  const bill: Bill = {
    read(documents) {
      stats.documentsRead += documents;
    },
    write(documents) {
      stats.documentsWritten += documents;
    },
    delete(documents) {
      stats.documentsDeleted += documents;
    },
  };

  return {
    bill,
    callStarted(method: string): void {
      count(stats.rpcs, method);
      if (!inRound) stats.rounds += 1;
      inRound = true;
      active += 1;
    },
    callEnded(): void {
      active -= 1;
      if (active === 0) inRound = false;
    },
    faultStruck: (kind: string): void => count(stats.faults, kind),
    snapshot: (): FirestoreStats => structuredClone(stats),
    /** What is being served counts for a round again only when another call comes in. */
    reset(): void {
      stats = emptyStats();
      inRound = false;
    },
  };
}

function emptyStats() {
  return {
    rpcs: {} as Record<string, number>,
    documentsRead: 0,
    documentsWritten: 0,
    documentsDeleted: 0,
    rounds: 0,
    faults: {} as Record<string, number>,
  };
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
