#!/usr/bin/env node
// Draws the dashboards over data of the demo, into dashboards/screenshots. MODULES is the folder with node_modules in
// it, CONTACTWATCH the program. Needs prometheus, promtool, chromium and pngquant on the PATH.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { dashboards } from '../dashboards.mjs';
import { Prometheus, Times, answer, variables, worstStore } from '../grafana.mjs';
import { demo, prometheus, scratch } from '../processes.mjs';
import { SCRAPE, record, remembered } from './history.mjs';

const modules = process.env.MODULES;
const require = createRequire(join(modules, 'package.json'));
const OUT = fileURLToPath(new URL('../../screenshots/', import.meta.url));
const WIDTH = 1600;
const DAYS = 7;
const STORES = 75;
/** What the daemon does happens now; it is shown as it is, without simulated time. */
const LIVE = new Set(['ops']);
const NOTE = "rendered with Grafana's own components from live data of the demo; no Grafana server was run";
/** Pictures are kept with the source: each has to be small. */
const LARGEST = 300_000;

/** A dashboard with everything that its panels draw. */
async function collected({ name, dashboard }, base, times) {
  const asked = new Prometheus(base);
  const { values, offers } = await variables(dashboard, asked, times, await worstStore(asked, times));
  const answers = {};
  for (const panel of dashboard.panels) {
    if (!panel.targets) continue;
    answers[panel.id] = await Promise.all(panel.targets.map(async (target) => ({
      target, step: times.step(panel), result: await answer(panel, target, values, asked, times),
    })));
  }
  const { start, end } = times;
  return { name, dashboard, values, offers, answers, times: { start, end }, width: WIDTH, note: NOTE };
}

function bundled() {
  const out = join(scratch, 'page.js');
  require('esbuild').buildSync({
    entryPoints: [fileURLToPath(new URL('page.jsx', import.meta.url))], outfile: out, bundle: true, minify: true,
    nodePaths: [join(modules, 'node_modules')], define: { global: 'window', 'process.env.NODE_ENV': '"production"' },
    alias: { 'react-custom-scrollbars-2': fileURLToPath(new URL('scrollbars.jsx', import.meta.url)) },
    loader: { '.svg': 'text', '.css': 'text', '.woff2': 'empty', '.ttf': 'empty', '.png': 'empty' }, logLevel: 'error', jsx: 'transform',
  });
  return out;
}

function draw(script, picture) {
  const { name, dashboard } = picture;
  // Head, panels, margins: as page.jsx places them.
  const height = 158 + Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h)) * 38 + 8;
  const page = join(scratch, `${name}.html`);
  const data = JSON.stringify(picture).replaceAll('<', '\\u003c');
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><body style="margin:0"><div id="page"></div><script>window.PICTURE=${data}</script><script src="${pathToFileURL(script)}"></script>`);
  const out = join(OUT, `${name}.png`);
  const { stderr, status } = spawnSync('chromium', [
    '--headless=new', '--enable-logging=stderr', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--allow-file-access-from-files', `--user-data-dir=${join(scratch, 'chromium')}`,
    `--window-size=${WIDTH},${height}`, '--virtual-time-budget=15000', `--screenshot=${out}`, pathToFileURL(page).href,
  ], { encoding: 'utf8' });
  // What the page complains of would be seen in the picture at best.
  const complaints = stderr.split('\n').filter((line) => /CONSOLE.*(Uncaught|Error|Warning)/.test(line) && !/icons/.test(line));
  if (status || complaints.length) throw new Error(`${name}: chromium: ${status}\n${complaints.join('\n')}`);
  // A palette is enough for what is drawn here, and a third of the size.
  const packed = spawnSync('pngquant', ['--force', '--skip-if-larger', '--speed', '1', '--quality', '70-98', '--output', out, out], { encoding: 'utf8' });
  // 98 says that it would not have become smaller.
  if (packed.status && packed.status !== 98) throw new Error(`${name}: pngquant: ${packed.stderr}`);
  const { size } = statSync(out);
  if (size > LARGEST) throw new Error(`${name}.png has ${size} bytes, which are more than ${LARGEST}`);
  console.log(`${name}.png  ${Math.round(size / 1000)} kB`);
}

mkdirSync(OUT, { recursive: true });
const saved = process.env.PICTURES;
let pictures;
if (saved && process.env.AGAIN) {
  // While working on the page: the data of the last run, the dashboards of today.
  pictures = JSON.parse(readFileSync(saved, 'utf8'));
  const today = Object.fromEntries(dashboards().map(({ name, dashboard }) => [name, dashboard]));
  for (const picture of pictures) picture.dashboard = today[picture.name];
} else {
  pictures = [];
  const lives = (DAYS * 24 + 12) * 1000;
  const fleet = await demo(['--stores', String(STORES), '--seconds', String(lives / 1000 + 6)]);
  const live = await prometheus({ targets: [fleet.target] });
  const began = Date.now();
  const recorded = await record(fleet.metrics, () => Date.now() - began > lives);
  const end = Date.now() / 1000;
  for (const one of dashboards().filter(({ name }) => LIVE.has(name))) {
    // Rates over twenty seconds, as commits and CPU come in lumps.
    pictures.push(await collected(one, live.base, new Times({ start: end - 150, end, scrape: 5, points: 150 })));
  }
  await Promise.all([fleet.child.stop(), live.child.stop()]);
  const history = await remembered(recorded);
  for (const one of dashboards().filter(({ name }) => !LIVE.has(name))) {
    const times = new Times({ start: Math.max(recorded.first, recorded.last - DAYS * 86400), end: recorded.last, scrape: SCRAPE });
    pictures.push(await collected(one, history.base, times));
  }
  await history.child.stop();
  if (saved) writeFileSync(saved, JSON.stringify(pictures));
}
const script = bundled();
for (const picture of pictures) draw(script, picture);
