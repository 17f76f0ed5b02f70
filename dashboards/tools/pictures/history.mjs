// Days of history out of a demo of minutes. The fleet lives an hour a second and its events carry their own time, so
// /metrics is read six times a second and each reading is written down at the time which the fleet had then.

import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Prometheus } from '../grafana.mjs';
import { prometheus, scratch } from '../processes.mjs';

/** Real milliseconds between two readings: ten minutes of the fleet. */
const EVERY = 167;
export const SCRAPE = 600;
/** Seconds for which a value is of use when there is none after it. */
const LOOKBACK = 2 * SCRAPE;
/**
 * Seconds of the fleet before the last reading in which nothing is read. A history has no marks of series that ended, so
 * an answered question would still wait at the end: in the readings, and again in what the rules derive of them.
 */
const SILENCE = 2 * LOOKBACK + SCRAPE;

const LABELS = 'job="contactwatch",instance="localhost:9466"';
const CLOCK = /^contactwatch_kafka_last_event_timestamp_seconds\{.*\} (\S+)$/gm;
/** What is measured by the clock on the wall would be wrong in simulated time, and nobody asks for it there. */
const LEFT_OUT = /^(process_|contactwatch_(worker_busy|kafka_commit|kafka_broker|message_scoring|end_to_end|alert_))/;

/** Reads until `over()`, and returns the file and the times of its first and last reading. */
export async function record(url, over) {
  const path = join(scratch, 'history.txt');
  const out = createWriteStream(path);
  let first;
  let last = 0;
  const write = async () => {
    const text = await (await fetch(url)).text();
    const clock = Math.max(0, ...[...text.matchAll(CLOCK)].map(([, at]) => Number(at)));
    if (clock >= last + SCRAPE / 4) {
      last = clock;
      first ??= clock;
      const lines = text.split('\n').filter((line) => line && !line.startsWith('#') && !LEFT_OUT.test(line)).map((line) => {
        const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
        return `${name}{${LABELS}${labels ? `,${labels}` : ''}} ${value} ${clock.toFixed(3)}\n`;
      });
      if (!out.write(lines.join(''))) await once(out, 'drain');
    }
  };
  while (!over()) await Promise.all([write(), sleep(EVERY)]);
  await sleep((SILENCE / SCRAPE) * EVERY);
  await write();
  out.end('# EOF\n');
  await once(out, 'finish');
  return { path, first, last };
}

function blocks(path, data) {
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '--max-block-duration=744h', path, data], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** What the recording rules would have made of the history. Those that build upon others come after them. */
async function derive(base, { first, last }, again) {
  const { groups } = await new Prometheus(base).ask('/api/v1/rules', { type: 'record' });
  const rules = groups.flatMap((group) => group.rules);
  const builds = ({ name, query }) => rules.some((other) => other.name !== name && query.includes(other.name));
  // Whole steps before the end: there the tables and numbers are asked.
  const begin = last - Math.floor((last - first) / SCRAPE) * SCRAPE;
  const path = join(scratch, `derived-${again}.txt`);
  const out = createWriteStream(path);
  for (const rule of rules.filter((rule) => builds(rule) === again)) {
    for (const { metric, values } of await new Prometheus(base).range(rule.query, begin, last, SCRAPE)) {
      const { __name__, ...labels } = metric;
      const written = Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(',');
      out.write(values.map(([at, value]) => `${rule.name}{${written}} ${value} ${at}\n`).join(''));
    }
  }
  out.end('# EOF\n');
  await once(out, 'finish');
  return path;
}

/** A Prometheus that has scraped the fleet for days, or so it seems to it. */
export async function remembered(recorded) {
  const data = join(scratch, 'history');
  mkdirSync(data);
  blocks(recorded.path, data);
  const more = [`--query.lookback-delta=${LOOKBACK}s`, '--storage.tsdb.allow-overlapping-blocks'];
  for (const again of [false, true]) {
    const server = await prometheus({ data, more });
    const path = await derive(server.base, recorded, again);
    await server.child.stop();
    blocks(path, data);
  }
  return prometheus({ data, more, withRules: false });
}
