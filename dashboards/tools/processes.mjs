// The demo and a Prometheus of our own, on free ports of the loopback, and their end.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const RULES = new URL('../prometheus/', import.meta.url);

const children = new Set();
/** A folder that is gone when this program is. */
export const scratch = mkdtempSync(join(tmpdir(), 'contactwatch-dashboards-'));

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

export const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

function start(name, program, args) {
  const log = join(scratch, `${name}.log`);
  const out = openSync(log, 'a');
  const child = spawn(program, args, { stdio: ['ignore', out, out] });
  children.add(child);
  const gone = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code) => resolve(`ended with ${code}`));
  });
  gone.then((how) => {
    children.delete(child);
    child.how = how;
  });
  child.said = () => readFileSync(log, 'utf8').slice(-2000);
  child.stop = () => {
    child.kill('SIGINT');
    return gone;
  };
  return child;
}

/** Waits until a page answers. */
export async function answers(url, child, seconds = 60) {
  for (let tries = 0; tries < seconds * 5; tries += 1) {
    if (child.how) throw new Error(`${child.spawnfile} ${child.how}:\n${child.said()}`);
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not yet.
    }
    await sleep(200);
  }
  throw new Error(`${url} does not answer:\n${child.said()}`);
}

/** `contactwatch demo`; CONTACTWATCH is the program. */
export async function demo(args) {
  const port = await freePort();
  const child = start('demo', process.env.CONTACTWATCH, ['demo', '--listen', `127.0.0.1:${port}`, ...args]);
  await answers(`http://127.0.0.1:${port}/metrics`, child);
  return { child, target: `127.0.0.1:${port}`, metrics: `http://127.0.0.1:${port}/metrics` };
}

/** The shipped rules, evaluated every second. */
function rules(folder) {
  let names = [];
  try {
    names = readdirSync(RULES).filter((name) => /\.(rules|alerts)\.yml$/.test(name));
  } catch {
    // Without rules the panels that need them show nothing, and are reported.
  }
  for (const name of names) {
    const text = readFileSync(new URL(name, RULES), 'utf8').replace(/^(\s*interval:).*$/gm, '$1 1s');
    writeFileSync(join(folder, name), text);
  }
  return names;
}

/** A Prometheus with the shipped rules that scrapes `targets` every second; `more` are further arguments. */
export async function prometheus({ targets = [], withRules = true, data, more = [] }) {
  const folder = mkdtempSync(join(scratch, 'prometheus-'));
  const port = await freePort();
  const config = [
    'global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}',
    `rule_files: [${withRules ? rules(folder).join(', ') : ''}]`,
    targets.length ? `scrape_configs: [{job_name: contactwatch, static_configs: [{targets: [${targets.map((target) => `'${target}'`)}]}]}]` : '',
  ];
  writeFileSync(join(folder, 'prometheus.yml'), `${config.join('\n')}\n`);
  const store = data ?? join(folder, 'data');
  mkdirSync(store, { recursive: true });
  const child = start('prometheus', 'prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${store}`, '--storage.tsdb.retention.time=10y',
    `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn', ...more,
  ]);
  const base = `http://127.0.0.1:${port}`;
  await answers(`${base}/-/ready`, child);
  return { child, base };
}
