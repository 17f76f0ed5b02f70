// Answers of Prometheus as Grafana's data frames, with the field options of a panel applied.

import { FieldType, getDisplayProcessor, standardTransformers, standardTransformersRegistry, transformDataFrame } from '@grafana/data';
import { lastValueFrom } from 'rxjs';

standardTransformersRegistry.setInit(() =>
  ['mergeTransformer', 'organizeFieldsTransformer'].map((name) => {
    const transformation = standardTransformers[name];
    return { id: transformation.id, name: transformation.name, transformation: async () => transformation, editor: () => null };
  }),
);

const legend = (format, labels) =>
  format
    ? format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? '')
    : `{${Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(', ')}}`;

/** One frame per series. Steps without a value are gaps. */
function lines({ target, result, step, times }) {
  return result.map(({ metric, values, value }) => {
    const have = new Map((values ?? [value]).map(([at, number]) => [at, Number(number)]));
    const moments = [];
    if (values) for (let at = Math.floor(times.start / step) * step; at <= times.end; at += step) moments.push(at);
    else moments.push(value[0]);
    const name = legend(target.legendFormat, metric);
    return {
      refId: target.refId,
      name,
      length: moments.length,
      fields: [
        { name: 'Time', type: FieldType.time, config: {}, values: moments.map((at) => at * 1000) },
        { name: 'Value', type: FieldType.number, labels: metric, config: { displayNameFromDS: name }, values: moments.map((at) => {
          const number = have.get(at);
          return Number.isFinite(number) ? number : null;
        }) },
      ],
    };
  });
}

/** One frame with a column for each label. */
function rows({ target, result }, alone) {
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return {
    refId: target.refId,
    length: result.length,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: result.map(({ value }) => value[0] * 1000) },
      ...labels.map((label) => ({ name: label, type: FieldType.string, config: {}, values: result.map(({ metric }) => metric[label]) })),
      { name: alone ? 'Value' : `Value #${target.refId}`, type: FieldType.number, config: {}, values: result.map(({ value }) => Number(value[1])) },
    ],
  };
}

/** Sets `a.b` of an option. */
function set(config, path, value) {
  const keys = path.split('.');
  const last = keys.pop();
  const at = keys.reduce((here, key) => (here[key] ??= {}), config);
  at[last] = value;
}

function applied(frame, panel, theme, index) {
  const { defaults, overrides } = panel.fieldConfig;
  for (const field of frame.fields) {
    if (field.type === FieldType.time) {
      field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
      continue;
    }
    const name = field.config.displayNameFromDS ?? field.name;
    // A copy for each field: overrides change it.
    const config = { ...structuredClone(defaults), ...field.config };
    for (const { matcher, properties } of overrides) {
      if (matcher.options === name) for (const { id, value } of properties) set(config, id, value);
    }
    if (field.type === FieldType.string) delete config.thresholds, (config.unit = 'string');
    field.config = config;
    field.state = { displayName: name, seriesIndex: index, scopedVars: {} };
    field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
    field.getLinks = () => (config.links ?? []).map(({ title }) => ({ title, href: '#', target: '_self', origin: field }));
  }
  return frame;
}

/** What a panel draws. */
export async function frames(panel, answers, times, theme) {
  if (panel.type !== 'table') {
    return answers.flatMap((answer) => lines({ ...answer, times })).map((frame, index) => applied(frame, panel, theme, index));
  }
  const tables = answers.map((answer) => rows(answer, answers.length === 1)).filter(({ length }) => length);
  const made = await lastValueFrom(transformDataFrame(panel.transformations, tables, { interpolate: (text) => text }));
  return made.map((frame, index) => applied({ ...frame, fields: frame.fields.map((field) => ({ ...field, name: field.config.displayName ?? field.name, config: {} })) }, panel, theme, index));
}
