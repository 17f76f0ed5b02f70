#!/usr/bin/env node
// Asks every question of every dashboard of a Prometheus that scrapes the demo. An error, an answer with nothing to draw
// and a metric that nobody exposes are faults, unless empty-allowed.json says why nothing may be there. Then it breaks a
// dashboard in memory, one fault at a time, and fails when one is not found.
//
// CONTACTWATCH is the program. Needs prometheus on the PATH.

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboards, expressions, metrics, panels } from './dashboards.mjs';
import { Prometheus, Times, answer, hasData, interpolate, variables, worstStore } from './grafana.mjs';
import { demo, prometheus } from './processes.mjs';

/** Seconds of scraping: an hour of the fleet each, so deadlines have passed and reviewers have disagreed. */
const WATCHED = Number(process.env.SECONDS ?? 45);

const allowed = JSON.parse(readFileSync(new URL('empty-allowed.json', import.meta.url), 'utf8'));
const excused = new Set();
let queries = 0;

/** What is wrong with a dashboard, asked of a Prometheus that knows these names. */
async function faultsOf({ name, dashboard }, asked, names) {
  const faults = [];
  const fault = (where, what) => faults.push(`${name}.json: ${where}: ${what}`);
  const end = Date.now() / 1000;
  // Bars of an hour would be wider than the time that was watched.
  const times = new Times({ start: end - WATCHED, end, scrape: 1, coarsest: 5 });
  const { values, offers } = await variables(dashboard, asked, times, await worstStore(asked, times));
  for (const [variable, offer] of Object.entries(offers)) {
    if (!offer.length) fault(`variable ${variable}`, 'offers nothing');
  }
  for (const { where, expr, panel, target, mark } of expressions(dashboard)) {
    const excuse = panel && allowed.find((entry) => entry.dashboard === name && entry.panel === panel.title && (!entry.query || entry.query === target.refId));
    for (const metric of metrics(expr)) {
      if (!names.has(metric) && !excuse) fault(where, `nobody exposes ${metric}`);
    }
    queries += 1;
    try {
      // Of an annotation nothing may have happened; but it must be a question.
      if (mark) await asked.instant(interpolate(expr, values), end);
      if (!target || hasData(await answer(panel, target, values, asked, times))) continue;
      if (excuse) excused.add(excuse);
      else fault(where, `nothing to draw: ${interpolate(target.expr, { ...values, ...times.builtIn(panel) })}`);
    } catch (error) {
      fault(where, error.message);
    }
  }
  return faults;
}

/** Faults to plant into the first expression of a dashboard, and which words must be in what is found. */
const PLANTS = [
  ['nobody exposes contactwatch_violatoins_total', () => 'sum(contactwatch_violatoins_total{job=~"$job"}) or vector(0)'],
  ['nothing to draw', () => 'sum(contactwatch_flags_total{job=~"$job", platform="nowhere"})'],
  ['nothing to draw', () => 'contactwatch_build_info{job=~"$job", versoin="0.1.0"}'],
  ['parse error', (expr) => expr.replace(')', '')],
  ['unknown function', (expr) => `summ(${expr})`],
];

async function missed(asked, names) {
  const [fleet] = dashboards();
  const found = await Promise.all(PLANTS.map(async ([words, plant]) => {
    const broken = structuredClone(fleet);
    const [target] = panels(broken.dashboard).find(({ type }) => type === 'stat').targets;
    target.expr = plant(target.expr);
    return (await faultsOf(broken, asked, names)).some((fault) => fault.includes(words));
  }));
  return PLANTS.filter((_, index) => !found[index]).map(([words]) => `a planted fault was not found: ${words}`);
}

const fleet = await demo(['--stores', '40', '--seconds', String(WATCHED + 120)]);
const server = await prometheus({ targets: [fleet.target] });
await sleep(WATCHED * 1000);

const asked = new Prometheus(server.base);
const names = new Set(await asked.ask('/api/v1/label/__name__/values', {}));
const faults = [];
for (const one of dashboards()) faults.push(...(await faultsOf(one, asked, names)));
const count = queries;
for (const entry of allowed) {
  const named = dashboards().some(({ name, dashboard }) => name === entry.dashboard && panels(dashboard).some(({ title }) => title === entry.panel));
  if (!named || !entry.reason) faults.push(`empty-allowed.json: ${JSON.stringify(entry)}: no such panel, or no reason`);
}
const overlooked = await missed(asked, names);

for (const fault of [...faults, ...overlooked]) console.error(`live: ${fault}`);
for (const { dashboard, panel, reason } of excused) console.log(`live: ${dashboard}.json: "${panel}" is empty, as it may be: ${reason}`);
console.log(`live: ${count} queries of a Prometheus that scraped the demo for ${WATCHED} s, ${faults.length} faults`);
console.log(`live: ${PLANTS.length - overlooked.length} of ${PLANTS.length} planted faults found`);
await Promise.all([fleet.child.stop(), server.child.stop()]);
process.exit(faults.length || overlooked.length ? 1 : 0);
