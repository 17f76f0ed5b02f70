// Panels, as Grafana's schema has them. One function per kind; what is not said is as a reader of these dashboards
// would want it.

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Colours that mean the same on every dashboard. */
export const COLOURS = {
  critical: 'red', warning: 'orange', info: 'blue',
  ozon: 'blue', wildberries: 'purple', yandex_market: 'yellow',
  met: 'green', breached: 'red',
  confirmed: 'green', accepted_risk: 'yellow', misjudged: 'red', missed: 'purple',
  buyer: 'super-light-blue', seller: 'blue',
};

/** Steps of colour: `steps('green', [1, 'orange'], [10, 'red'])`. */
export const steps = (first, ...others) => ({
  mode: 'absolute',
  steps: [{ color: first, value: null }, ...others.map(([value, color]) => ({ color, value }))],
});
/** A number that is neither good nor bad. */
export const PLAIN = steps('text');

/** A query over the time range of the dashboard: a line. */
export const line = (expr, legend) => ({ expr, legend, range: true });
/** A query at the end of the time range: a number. */
export const now = (expr, legend = '') => ({ expr, legend, range: false });
/** A query at the end of the time range: rows of a table. */
export const rows = (expr) => ({ expr, legend: '', range: false, format: 'table' });

const targets = (queries) =>
  queries.map(({ expr, legend, range, format }, index) => ({
    datasource: SOURCE,
    editorMode: 'code',
    expr,
    ...(legend ? { legendFormat: legend } : {}),
    ...(range ? { range: true } : { instant: true, range: false }),
    ...(format ? { format } : {}),
    refId: String.fromCharCode(65 + index),
  }));

const property = (id, value) => ({ id, value });
/** What is special about the series or the column of this name. */
export const named = (name, properties) => ({
  matcher: { id: 'byName', options: name },
  properties: Object.entries(properties).map(([id, value]) => property(id, value)),
});

const known = (queries) => {
  // The colour of a name, when the legend is nothing but that name.
  const used = new Set(queries.map(({ legend }) => legend));
  const of = { '{{severity}}': ['critical', 'warning', 'info'], '{{platform}}': ['ozon', 'wildberries', 'yandex_market'] };
  of['{{result}}'] = ['met', 'breached'];
  of['{{verdict}}'] = ['confirmed', 'accepted_risk', 'misjudged', 'missed'];
  of['{{direction}}'] = ['buyer', 'seller'];
  const names = [...used].flatMap((legend) => of[legend] ?? (COLOURS[legend] ? [legend] : []));
  return names.map((name) => named(name, { color: { mode: 'fixed', fixedColor: COLOURS[name] } }));
};

const panel = (type, { title, description, width, height, interval, links }, fields, options, queries) => ({
  type,
  title,
  description,
  datasource: SOURCE,
  gridPos: { w: width, h: height, x: 0, y: 0 },
  ...(interval ? { interval } : {}),
  ...(links ? { links } : {}),
  fieldConfig: fields,
  options,
  targets: targets(queries),
});

/** One number. */
export function stat(title, description, queries, given = {}) {
  const { unit = 'short', decimals, thresholds = PLAIN, width = 3, height = 4, text = 'value', none = '–', mappings = [] } = given;
  const fields = {
    defaults: {
      unit, thresholds, mappings, noValue: none,
      ...(decimals === undefined ? {} : { decimals }),
      ...(given.min === undefined ? {} : { min: given.min }), ...(given.max === undefined ? {} : { max: given.max }),
      color: { mode: 'thresholds' },
    },
    overrides: [],
  };
  const options = {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    orientation: 'auto', textMode: text, colorMode: 'value', graphMode: 'none', justifyMode: 'center',
    percentChangeColorMode: 'standard', showPercentChange: false, wideLayout: true,
  };
  return panel('stat', { title, description, width, height, ...given }, fields, options, [queries].flat());
}

/** Lines, or stacked bars, over time. */
export function series(title, description, queries, given = {}) {
  const { unit = 'short', width = 12, height = 8, bars = false, limits, decimals, min = 0, max } = given;
  const { softMax = unit === 'percentunit' && max === undefined ? 0.05 : undefined } = given;
  const custom = {
    drawStyle: bars ? 'bars' : 'line', lineInterpolation: given.stepped ? 'stepAfter' : 'linear', lineWidth: bars ? 0 : 2,
    fillOpacity: bars ? 75 : given.fill ?? 8, barAlignment: 0, showPoints: 'never', spanNulls: false,
    stacking: { mode: bars ? given.stacking ?? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: limits ? 'dashed' : 'off' },
    // Nothing but zeros would have an axis up to 10,000 %.
    ...(softMax === undefined ? {} : { axisSoftMax: softMax }),
  };
  const fields = {
    defaults: {
      unit, custom, min, ...(max === undefined ? {} : { max }), ...(decimals === undefined ? {} : { decimals }),
      color: { mode: 'palette-classic' },
      thresholds: limits ?? steps('green'),
    },
    overrides: [...known(queries), ...(given.overrides ?? [])],
  };
  const options = {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
    tooltip: { mode: 'multi', sort: 'desc' },
  };
  return panel('timeseries', { title, description, width, height, ...given }, fields, options, queries);
}

/** A fixed line to compare with: thin, dashed and named in the legend. */
export const benchmark = (name, color) =>
  named(name, {
    'custom.lineStyle': { fill: 'dash', dash: [8, 6] }, 'custom.lineWidth': 1, 'custom.fillOpacity': 0,
    color: { mode: 'fixed', fixedColor: color },
  });

/** Bars side by side, longest first. */
export function ranks(title, description, queries, given = {}) {
  const { unit = 'none', width = 8, height = 10, decimals = 0, color = 'blue' } = given;
  const fields = {
    defaults: {
      unit, decimals, min: 0, thresholds: given.thresholds ?? steps(color), color: { mode: 'thresholds' },
      ...(given.max === undefined ? {} : { max: given.max }),
    },
    overrides: [],
  };
  const options = {
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    orientation: 'horizontal', displayMode: 'basic', showUnfilled: true, valueMode: 'color', minVizHeight: 12, minVizWidth: 8,
    // Two bars would be as tall as the panel allows; and a name is cut off where its font is not given.
    sizing: 'manual', maxVizHeight: 26, namePlacement: 'left', text: { titleSize: 12, valueSize: 14 },
    legend: { displayMode: 'list', placement: 'bottom', showLegend: false, calcs: [] },
  };
  return panel('bargauge', { title, description, width, height, ...given }, fields, options, queries);
}

/**
 * A table. `columns` says in order what each column is called: the label or, for the numbers, the letter of the query,
 * and what is special about it.
 */
export function table(title, description, queries, columns, given = {}) {
  const { width = 24, height = 10, sort } = given;
  const key = (column) => (/^[A-Z]$/.test(column.of) ? (queries.length > 1 ? `Value #${column.of}` : 'Value') : column.of);
  const letters = queries.map((_, index) => (queries.length > 1 ? `Value #${String.fromCharCode(65 + index)}` : 'Value'));
  const wanted = columns.map(key);
  const hidden = ['Time', ...letters, ...(given.hide ?? [])].filter((name) => !wanted.includes(name));
  const fields = {
    defaults: {
      unit: 'short', decimals: 0, thresholds: PLAIN, color: { mode: 'thresholds' },
      custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, filterable: false },
    },
    overrides: columns.flatMap(({ name, ...column }) => {
      const properties = {};
      if (column.unit) properties.unit = column.unit;
      if (column.decimals !== undefined) properties.decimals = column.decimals;
      if (column.width) properties['custom.width'] = column.width;
      if (column.links) properties.links = column.links;
      if (column.thresholds) {
        properties.thresholds = column.thresholds;
        properties['custom.cellOptions'] = { type: 'color-text' };
      }
      if (column.none !== undefined) properties.noValue = column.none;
      return Object.keys(properties).length ? [named(name, properties)] : [];
    }),
  };
  const options = {
    frameIndex: 0, showHeader: true, cellHeight: 'sm', frozenColumns: { left: 0 },
    ...(sort ? { sortBy: [{ displayName: sort, desc: true }] } : {}),
  };
  const made = panel('table', { title, description, width, height, ...given }, fields, options, queries);
  made.transformations = [
    ...(queries.length > 1 ? [{ id: 'merge', options: {} }] : []),
    {
      id: 'organize',
      options: {
        excludeByName: Object.fromEntries(hidden.map((name) => [name, true])),
        indexByName: Object.fromEntries(wanted.map((name, index) => [name, index])),
        renameByName: Object.fromEntries(columns.map((column) => [key(column), column.name])),
      },
    },
  ];
  return made;
}

/** Words. */
export function text(title, description, content, given = {}) {
  const { width = 24, height = 5 } = given;
  return {
    type: 'text', title, description, transparent: given.transparent ?? false,
    gridPos: { w: width, h: height, x: 0, y: 0 },
    options: { mode: 'markdown', content: content.trim() },
  };
}

/** A heading over the panels that follow. */
export const row = (title) => ({ type: 'row', title, collapsed: false, panels: [], gridPos: { w: 24, h: 1, x: 0, y: 0 } });

/** Puts each panel as high as it goes, then as far left, and gives it a number. */
export function laidOut(panels) {
  const depths = new Array(24).fill(0);
  return panels.map((made, index) => {
    const { w, h } = made.gridPos;
    const under = (x) => Math.max(...depths.slice(x, x + w));
    const places = Array.from({ length: 25 - w }, (_, x) => x);
    const x = places.reduce((best, place) => (under(place) < under(best) ? place : best), 0);
    const y = under(x);
    depths.fill(y + h, x, x + w);
    return { id: index + 1, ...made, gridPos: { x, y, w, h } };
  });
}
