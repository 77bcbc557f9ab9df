import type { Command } from 'commander';
import type { Limit, Limits, LimitsBody } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { whenWords } from '../backup-words.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { shown, size } from '../format.ts';

interface LimitOptions extends DataOptions {
  readonly up?: string;
  readonly down?: string;
  readonly off?: true;
  readonly default?: true;
  readonly json?: true;
}

export function limitCommand(cli: Cli): Command {
  return dataCommand('limit')
    .description('show or change how many bytes per second are sent to and received from the cloud')
    .option('--up <rate>', 'limit of what is sent')
    .option('--down <rate>', 'limit of what is received')
    .option('--off', 'no limits')
    .option('--default', 'as in the settings limit.up and limit.down')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nA rate is 500K, 2M (KiB and MiB per second), 10 Mbit/s or off. With times and days, the first that holds counts.\n' +
        'A change applies at once and is kept. What programs read goes before uploads; drive and backups share evenly.\n' +
        examples(
          ['fjord limit --up 2M --down 10M', 'from now on'],
          ['fjord limit --up "08:00-18:00 1M, 18:00-08:00 off"', 'by the time of day'],
          ['fjord limit --up "mon-fri 08:00-18:00 500K, sat,sun 4M"', 'also by day; off at all other times'],
          ['fjord limit --off', 'no limits'],
        ),
    )
    .action(async (options: LimitOptions) => {
      const body = bodyOf(options);
      const limits = await withGateway(cli, options, (gateway) =>
        Object.keys(body).length === 0 ? gateway.limits() : gateway.setLimits(body),
      );
      for (const line of options.json ? [JSON.stringify(limits, null, 2)] : lines(limits))
        await cli.terminal.print(line);
    });
}

/** @throws Problem if options contradict each other */
function bodyOf({ up, down, off, default: reset }: LimitOptions): LimitsBody {
  const named = { ...(up === undefined ? {} : { up }), ...(down === undefined ? {} : { down }) };
  const ways = [Object.keys(named).length > 0, off, reset].filter(Boolean).length;
  if (ways > 1) throw new Problem('usage', '--up and --down, --off, and --default exclude each other');
  if (off) return { up: 'off', down: 'off' };
  return reset ? { up: 'default', down: 'default' } : named;
}

function lines({ up, down }: Limits): string[] {
  return [`up    ${limitWords(up, Date.now())}`, `down  ${limitWords(down, Date.now())}`];
}

/** `2.0 MiB/s`, `off`, and for one that changes with the time: `1.0 MiB/s now, off from today 18:00 (08:00-18:00 1M, off)`. */
export function limitWords({ limit, rate, next }: Limit, now: number): string {
  const holds = rateWords(rate);
  if (!/[,: ]/.test(limit)) return holds;
  const comes = next === undefined ? '' : `, ${rateWords(next.rate)} from ${whenWords(next.at, now)}`;
  return `${holds} now${comes} (${shown(limit)})`;
}

function rateWords(rate: number | null | undefined): string {
  return rate === undefined || rate === null ? 'off' : `${size(rate)}/s`;
}
