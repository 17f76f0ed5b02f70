// A dashboard on a page: Grafana's own panel frames, numbers, time series, tables and bars, over answers that were
// fetched before. What is around the panels is drawn after Grafana's look.

import React, { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { ThemeContext, createTheme, dateTime, renderMarkdown } from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, Icon, PanelChrome, PanelContextProvider, Table, TimeSeries, VizRepeater } from '@grafana/ui';
import plotStyle from 'uplot/dist/uPlot.min.css';
import { frames } from './frames.js';

const theme = createTheme({ colors: { mode: 'dark' } });
const { dashboard, answers, times, values, offers, width, note } = window.PICTURE;
const GAP = 8;
const CELL = 30;
const column = (width - GAP) / 24;

const interpolate = (text) => text.replace(/\$(?:\{(\w+)[^}]*\}|(\w+))/g, (whole, braced, plain) => values[braced ?? plain] ?? whole);

const range = {
  from: dateTime(times.start * 1000), to: dateTime(times.end * 1000),
  raw: { from: dateTime(times.start * 1000), to: dateTime(times.end * 1000) },
};

const numbers = (found) =>
  found.flatMap(({ fields }) => fields.filter(({ type }) => type === 'number')).map((field) => ({
    field, value: { ...field.display(field.values.findLast((value) => value !== null)), title: field.state.displayName },
  }));

function Stat({ panel, found, width, height }) {
  const all = numbers(found);
  const { value } = all[0] ?? { value: { text: panel.fieldConfig.defaults.noValue, numeric: NaN } };
  const { colorMode, justifyMode } = panel.options;
  return <BigValue value={{ ...value, title: undefined }} theme={theme} width={width} height={height} colorMode={colorMode} graphMode="none" justifyMode={justifyMode} textMode="value" />;
}

/** Names and numbers that take most room, so that all bars begin and end at the same places. */
const longest = (all) => ({
  text: all.map(({ value: { text, suffix = '' } }) => text + suffix).reduce((a, b) => (b.length > a.length ? b : a), ''),
  title: all.map(({ value: { title } }) => title).reduce((a, b) => (b.length > a.length ? b : a), ''),
});

function Bars({ panel, found, width, height }) {
  const all = numbers(found);
  const most = Math.max(...all.map(({ value }) => value.numeric));
  const { minVizHeight, maxVizHeight, displayMode, showUnfilled, valueMode, namePlacement, text } = panel.options;
  const bar = ({ value: { field, value }, alignmentFactors, width, height }) => (
    <BarGauge theme={theme} width={width} height={height} field={{ ...field.config, max: field.config.max ?? most }} display={field.display}
      value={{ ...value, percent: value.numeric / most }} orientation="horizontal" displayMode={displayMode} showUnfilled={showUnfilled}
      valueDisplayMode={valueMode} namePlacement={namePlacement} alignmentFactors={alignmentFactors} itemSpacing={10} text={text} />
  );
  return (
    <VizRepeater source={found} getValues={() => all} renderValue={bar} getAlignmentFactors={longest} renderCounter={0} orientation="horizontal"
      width={width} height={height} itemSpacing={10} minVizHeight={minVizHeight} maxVizHeight={maxVizHeight} />
  );
}

function Drawing({ panel, found, width, height }) {
  if (panel.type === 'text') {
    return <div className="markdown-html" style={{ height: '100%', overflow: 'hidden' }} dangerouslySetInnerHTML={{ __html: renderMarkdown(interpolate(panel.options.content)) }} />;
  }
  if (!found) return null;
  if (panel.type === 'stat') return <Stat {...{ panel, found, width, height }} />;
  if (panel.type === 'bargauge') return <Bars {...{ panel, found, width, height }} />;
  if (panel.type === 'table') {
    return <Table data={found[0]} width={width} height={height} cellHeight={panel.options.cellHeight} initialSortBy={panel.options.sortBy} resizable={false} />;
  }
  return <TimeSeries frames={found} structureRev={1} timeRange={range} timeZone="utc" width={width} height={height} legend={panel.options.legend} options={panel.options} />;
}

function Panel({ panel, found }) {
  const { x, y, w, h } = panel.gridPos;
  const box = { position: 'absolute', left: GAP + x * column, top: y * (CELL + GAP), width: w * column - GAP, height: h * (CELL + GAP) - GAP };
  if (panel.type === 'row') {
    return <div style={{ ...box, display: 'flex', alignItems: 'center', gap: 6, ...theme.typography.h6 }}><Icon name="angle-down" />{interpolate(panel.title)}</div>;
  }
  return (
    <div style={box}>
      <PanelChrome title={interpolate(panel.title)} description={panel.description} width={box.width} height={box.height} padding="md">
        {(width, height) => <Drawing {...{ panel, found, width, height }} />}
      </PanelChrome>
    </div>
  );
}

const pill = { display: 'inline-flex', alignItems: 'center', height: 32, padding: '0 10px', border: `1px solid ${theme.colors.border.medium}`, background: theme.colors.background.primary, fontSize: 14, gap: 6 };

function Variable({ variable }) {
  const value = variable.includeAll ? 'All' : values[variable.name];
  return (
    <span style={{ display: 'inline-flex' }}>
      <span style={{ ...pill, borderRight: 0, borderRadius: '6px 0 0 6px', background: theme.colors.background.secondary, fontWeight: 500 }}>{variable.label}</span>
      <span style={{ ...pill, borderRadius: '0 6px 6px 0' }}>{value}{variable.type !== 'textbox' && <Icon name="angle-down" />}</span>
    </span>
  );
}

const day = (at) => new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ');

function Head() {
  const line = { display: 'flex', gap: 8, alignItems: 'center', padding: `0 ${GAP}px`, flexWrap: 'wrap' };
  return (
    <div>
      <div style={{ ...line, height: 48, borderBottom: `1px solid ${theme.colors.border.weak}`, background: theme.colors.background.primary, marginBottom: 12 }}>
        <Icon name="apps" size="lg" /><span style={{ ...theme.typography.h5, margin: 0 }}>{dashboard.title}</span>
        <span style={{ marginLeft: 'auto', color: theme.colors.text.secondary, fontSize: 13 }}>{note}</span>
      </div>
      <div style={{ ...line, marginBottom: 10 }}>
        {dashboard.templating.list.map((variable) => <Variable key={variable.name} variable={variable} />)}
        <span style={{ ...pill, borderRadius: 6, marginLeft: 'auto' }}><Icon name="clock-nine" />{day(times.start)} to {day(times.end)} UTC</span>
      </div>
      <div style={{ ...line, marginBottom: 12 }}>
        {dashboard.links.map(({ title, icon }) => (
          <span key={title} style={{ ...pill, height: 28, borderRadius: 6, fontSize: 13, color: theme.colors.text.link }}><Icon name={icon === 'dashboard' ? 'apps' : 'external-link-alt'} size="sm" />{title}</span>
        ))}
      </div>
    </div>
  );
}

function Page() {
  const [drawn, setDrawn] = useState();
  useEffect(() => {
    const panels = dashboard.panels.map(async (panel) => [panel.id, answers[panel.id] && (await frames(panel, answers[panel.id], times, theme))]);
    Promise.all(panels).then((all) => setDrawn(Object.fromEntries(all)));
  }, []);
  const context = { eventBus: undefined, sync: () => 0 };
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <style>{plotStyle}</style>
      <div style={{ width, background: theme.colors.background.canvas, paddingBottom: GAP, height: '100vh' }}>
        <Head />
        <PanelContextProvider value={{ ...context, eventsScope: 'x', eventBus: { publish() {}, getStream: () => ({ subscribe: () => ({ unsubscribe() {} }), pipe: () => ({ subscribe: () => ({ unsubscribe() {} }) }) }), subscribe: () => ({ unsubscribe() {} }) } }}>
          <div style={{ position: 'relative' }}>{drawn && dashboard.panels.map((panel) => <Panel key={panel.id} panel={panel} found={drawn[panel.id]} />)}</div>
        </PanelContextProvider>
      </div>
    </ThemeContext.Provider>
  );
}

createRoot(document.getElementById('page')).render(<Page />);
