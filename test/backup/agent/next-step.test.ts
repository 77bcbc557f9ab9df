import t from 'tap';
import { nextStep, type Facts, type Step } from '../../../src/backup/agent/next-step.ts';

const NOW = 1_000_000;
const facts: Facts = {
  now: NOW,
  opening: { state: 'open', until: undefined },
  paused: undefined,
  requested: false,
  deferred: false,
  halted: undefined,
  again: 0,
  scanAt: NOW + 5000,
  changes: undefined,
};
const whole: Step = { run: 'whole', until: undefined };
const rest = (wait: number | undefined): Step => ({ run: 'nothing', wait });

t.test('what an agent does next', async (t) => {
  const rows: readonly [why: string, facts: Partial<Facts>, step: Step][] = [
    ['everything is done', {}, rest(5000)],
    ['it was never compared', { scanAt: -Infinity }, whole],
    ['a change is quiet', { changes: 0 }, { run: 'some', until: undefined }],
    ['a change is not quiet yet', { changes: 700 }, rest(700)],
    ['a window is open', { scanAt: 0, opening: { state: 'open', until: NOW + 9 } }, { run: 'whole', until: NOW + 9 }],
    ['a window closes before the next scan', { opening: { state: 'open', until: NOW + 9 } }, rest(9)],
    ['a window is closed', { changes: 0, opening: { state: 'closed', next: NOW + 60 } }, rest(60)],
    ['only a person starts it', { scanAt: 0, opening: { state: 'closed', next: undefined } }, rest(undefined)],
    ['its time has come', { opening: { state: 'due' } }, whole],
    ['a person asks', { requested: true, opening: { state: 'closed', next: undefined } }, whole],
    ['a person asks after a failure', { requested: true, again: NOW + 50 }, whole],
    ['it failed a moment ago', { scanAt: 0, again: NOW + 50 }, rest(50)],
    ['on battery, say', { scanAt: 0, changes: 0, deferred: true }, rest(undefined)],
    ['a person asks although on battery', { requested: true, deferred: true }, whole],
    ['a person has to decide', { scanAt: 0, changes: 0, halted: 'asks' }, rest(undefined)],
    ['a person asks again', { requested: true, halted: 'asks' }, whole],
    ['the source is gone', { scanAt: 0, halted: 'vanished' }, { run: 'probe' }],
    ['it was looked for a moment ago', { halted: 'vanished', again: NOW + 5 }, rest(5)],
    ['paused for good', { requested: true, changes: 0, paused: {} }, rest(undefined)],
    ['paused for a while', { requested: true, paused: { until: NOW + 7 } }, rest(7)],
    ['the pause is over', { scanAt: 0, paused: { until: NOW } }, whole],
  ];
  for (const [why, changed, step] of rows) t.same(nextStep({ ...facts, ...changed }), step, why);
});
