#!/usr/bin/env node
// Holds the dashboards against the types that Grafana publishes (@grafana/schema), made into JSON Schemas. Panels are
// checked by their own type, their options and custom fields by those of their kind, the rest by the dashboard's type.
// With --plant it breaks a dashboard in memory, one fault at a time, and fails when one is not found.
//
// MODULES is the folder with node_modules in it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { dashboards, panels } from './dashboards.mjs';

const modules = process.env.MODULES;
const require = createRequire(join(modules, 'package.json'));
const { createGenerator } = require('ts-json-schema-generator');
const Ajv = require('ajv');

// Grafana's names of its panels, and of the files of their types.
const KINDS = { stat: 'stat', timeseries: 'timeseries', table: 'table', bargauge: 'bargauge', text: 'text' };
const RAW = join(modules, 'node_modules/@grafana/schema/dist/types/raw');
const work = join(modules, 'types');
mkdirSync(work, { recursive: true });

const ajv = new Ajv({ strict: false, allErrors: true });

/** A validator of one type. One file for each: several in one file stand in each other's way. */
function validator(name, path, type) {
  const file = join(work, `${name}.ts`);
  writeFileSync(file, `import type * as types from '${path}';\nexport type Root = types.${type};\n`);
  const schema = createGenerator({ path: file, type: 'Root', skipTypeCheck: true, additionalProperties: false, expose: 'none' }).createSchema('Root');
  return ajv.compile(schema);
}

const base = join(RAW, 'dashboard/x/types.gen');
const ofDashboard = validator('dashboard', base, 'Dashboard');
const ofPanel = validator('panel', base, 'Panel');
const ofRow = validator('row', base, 'RowPanel');
const ofKind = Object.fromEntries(
  Object.entries(KINDS).map(([kind, folder]) => {
    const path = join(RAW, `composable/${folder}/panelcfg/x/types.gen`);
    const fields = ['timeseries', 'table'].includes(kind) ? validator(`${kind}-fields`, path, 'FieldConfig') : undefined;
    return [kind, { options: validator(`${kind}-options`, path, 'Options'), fields }];
  }),
);

function faults({ name, dashboard }) {
  const found = [];
  const hold = (valid, value, where) => {
    if (valid(value)) return;
    for (const { instancePath, message, params } of valid.errors) {
      found.push(`${name}.json: ${where}${instancePath}: ${message} ${JSON.stringify(params)}`);
    }
  };
  // What the data source asks of an annotation is not Grafana's to know.
  const list = dashboard.annotations.list.map(({ expr, step, titleFormat, textFormat, ...rest }) => rest);
  hold(ofDashboard, { ...dashboard, annotations: { list }, panels: [] }, 'dashboard');
  for (const panel of panels(dashboard)) {
    const where = `panel "${panel.title}" `;
    if (panel.type === 'row') {
      hold(ofRow, { ...panel, panels: [] }, where);
      continue;
    }
    hold(ofPanel, panel, where);
    const kind = ofKind[panel.type];
    if (!kind) {
      found.push(`${name}.json: ${where}: unknown type ${panel.type}`);
      continue;
    }
    hold(kind.options, panel.options, `${where}options`);
    if (kind.fields && panel.fieldConfig.defaults.custom) hold(kind.fields, panel.fieldConfig.defaults.custom, `${where}custom`);
    if (kind.fields) {
      // Overrides name paths into the same fields.
      for (const { properties } of panel.fieldConfig.overrides) {
        for (const { id, value } of properties) {
          if (id.startsWith('custom.')) hold(kind.fields, { ...panel.fieldConfig.defaults.custom, [id.slice(7)]: value }, `${where}override ${id}`);
        }
      }
    }
  }
  return found;
}

const first = (dashboard, type) => panels(dashboard).find((panel) => panel.type === type);
/** Faults to plant. */
const PLANTS = {
  'a misspelt key of a panel': (d) => { first(d, 'stat').descripton = 'x'; },
  'a misspelt key of the dashboard': (d) => { d.timezzone = 'utc'; },
  'a title that is a number': (d) => { first(d, 'stat').title = 7; },
  'a width that is a word': (d) => { first(d, 'stat').gridPos.w = 'wide'; },
  'a kind of panel that does not exist': (d) => { first(d, 'stat').type = 'statt'; },
  'a way to draw that does not exist': (d) => { first(d, 'timeseries').fieldConfig.defaults.custom.drawStyle = 'crayon'; },
  'a graph mode that does not exist': (d) => { first(d, 'stat').options.graphMode = 'pretty'; },
  'a threshold mode that does not exist': (d) => { first(d, 'stat').fieldConfig.defaults.thresholds.mode = 'roughly'; },
  'a misspelt option of a table': (d) => { first(d, 'table').options.showHeaders = true; },
  'an option of another kind of panel': (d) => { first(d, 'bargauge').options.legend = {}; },
  'a refresh of a variable that does not exist': (d) => { d.templating.list[1].refresh = 9; },
  'a link of no type': (d) => { delete d.links[0].type; },
  'a row that is not folded or unfolded': (d) => { first(d, 'row').collapsed = 'no'; },
  'an override that draws with a crayon': (d) => { first(d, 'timeseries').fieldConfig.overrides = [{ matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'custom.drawStyle', value: 'crayon' }] }]; },
};

const all = dashboards();
if (process.argv.includes('--plant')) {
  const missed = Object.entries(PLANTS).filter(([, plant]) => {
    const fleet = structuredClone(all.find(({ name }) => name === 'fleet'));
    plant(fleet.dashboard);
    return faults(fleet).length === 0;
  });
  for (const [what] of missed) console.error(`schema: a planted fault was not found: ${what}`);
  const count = Object.keys(PLANTS).length;
  console.log(`schema: ${count - missed.length} of ${count} planted faults found`);
  process.exit(missed.length ? 1 : 0);
}
const found = all.flatMap(faults);
for (const fault of found) console.error(`schema: ${fault}`);
console.log(`schema: ${all.length} dashboards against @grafana/schema ${require('@grafana/schema/package.json').version}, ${found.length} faults`);
process.exit(found.length ? 1 : 0);
