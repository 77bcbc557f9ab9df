/** Where an agent has its time from. */
export interface Clock {
  /** Ms since 1970; steps back and forth when the computer's clock is set, and over sleep. */
  readonly now: () => number;
  /** Ms of a clock that never steps. */
  readonly monotonic: () => number;
}
