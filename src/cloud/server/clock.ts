/** The current time, ms since 1970 UTC. */
export type Clock = () => number;
