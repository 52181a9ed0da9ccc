export type Meeting = { writerCame: boolean };

/** Readers that wait at a FIFO for a writer of the same run, by path. */
export class FifoMeetings {
  readonly #waiting = new Map<string, Set<Meeting>>();

  await(path: string): Meeting {
    const meeting = { writerCame: false };
    const others = this.#waiting.get(path) ?? new Set();
    others.add(meeting);
    this.#waiting.set(path, others);
    return meeting;
  }

  leave(path: string, meeting: Meeting): void {
    const others = this.#waiting.get(path);
    others?.delete(meeting);
    if (others?.size === 0) this.#waiting.delete(path);
  }

  /** To be called for every open for writing; costs nothing while nobody waits. */
  writerCame(path: string): void {
    if (this.#waiting.size === 0) return;
    for (const meeting of this.#waiting.get(path) ?? []) meeting.writerCame = true;
  }
}
