// What came in: events as they come, tables with their rows, and records that could not be handled.
import { badge, h, pages, pretty, put, say, table, when } from './dom.js';
import { action, at, curlButton, follow, get, query } from './api.js';

const SHOWN = 200;

export async function events(page, tenant) {
  const path = at('tenants', tenant, 'events');
  const list = h('div', { 'aria-live': 'off' });
  const count = h('span', { className: 'hint' });
  let shown = [];
  let seen = 0;
  let pending = false;
  const draw = () => {
    pending = false;
    count.textContent = `${seen.toLocaleString()} seen; the newest ${Math.min(seen, SHOWN)} are here`;
    put(list, shown.map((event) => h('details', { className: 'card' }, h('summary', {}, badge(event.op), ` ${event.type} `, h('code', {}, event.subject), ` ${event.integrationid}`), pretty(event))));
  };
  let running = null;
  const stop = h('button', { className: 'plain', type: 'button', onclick: () => { running?.abort(); running = null; } }, 'Stop');
  const start = (after) => {
    running?.abort();
    running = new AbortController();
    page.signal.addEventListener('abort', () => running?.abort());
    follow(query(`${path}/follow`, { after }), (_, event) => {
      seen += 1;
      shown = [event, ...shown].slice(0, SHOWN);
      if (!pending) { pending = true; setTimeout(draw, 120); }
      return false;
    }, running.signal);
  };
  put(page.body, h('p', { className: 'row' }, h('button', { type: 'button', onclick: () => { shown = []; seen = 0; start(); } }, 'Follow from the beginning'), stop, curlButton('GET', `${path}/follow`, undefined, true), count), list);
  start();
}

export async function tables(page, tenant, name) {
  if (name) return rows(page, tenant, name);
  const path = at('tenants', tenant, 'tables');
  const { items } = await get(path);
  put(page.body, h('p', {}, curlButton('GET', path)), table(['Table', 'From', 'Columns'], items.map((one) => [
    h('a', { href: `#/t/${encodeURIComponent(tenant)}/tables/${encodeURIComponent(one.name)}` }, one.name), [one.integration, ' / ', one.stream, one.parent && h('p', { className: 'hint' }, `part of ${one.parent}`)],
    h('details', {}, h('summary', {}, `${one.columns.length}`), columns(one))]), 'There are no tables yet: they come with the first events.'));
}

const columns = (one) => table(['Column', 'Type', 'Field', ''], one.columns.map((column) => [column.name, h('code', {}, column.type), h('code', {}, column.path), column.nullable ? 'may be absent' : '']));

async function rows(page, tenant, name) {
  const path = at('tenants', tenant, 'tables', name);
  const one = await get(path);
  const names = one.table.columns.map((column) => column.name);
  const column = h('select', { 'aria-label': 'Column' }, h('option', { value: '' }, 'All rows'), names.map((word) => h('option', {}, word)));
  const compare = h('select', { 'aria-label': 'Comparison' }, [['is', 'is'], ['not', 'is not'], ['below', 'is below'], ['above', 'is above']].map(([value, text]) => h('option', { value }, text)));
  const value = h('input', { 'aria-label': 'Value', placeholder: 'value' });
  const wanted = () => (column.value ? { column: column.value, compare: compare.value, value: value.value } : {});
  const cell = (content) => (content === null || content === undefined ? h('span', { className: 'hint' }, '–') : typeof content === 'object' ? h('code', {}, JSON.stringify(content)) : String(content).length > 120 ? h('details', {}, h('summary', {}, String(content).slice(0, 60)), pretty(String(content))) : String(content));
  const list = pages((after) => get(query(`${path}/rows`, { ...wanted(), after })), (all) => table(one.table.columns.map((one_) => `${one_.name} (${one_.type.toLowerCase()})`), all.map((row) => names.map((word) => cell(row[word]))), 'No row is like that.'));
  const submit = (event) => { event.preventDefault(); list.again().catch((error) => say(error.message, true)); };
  put(page.body, h('p', { className: 'row' }, `${one.rows.toLocaleString()} rows, ${one.rows_deleted.toLocaleString()} more are deleted at the source`, curlButton('GET', () => query(`${path}/rows`, wanted()))),
    h('details', { className: 'card' }, h('summary', {}, 'Columns'), columns(one.table)), h('form', { className: 'row', onsubmit: submit }, column, compare, value, h('button', {}, 'Show')), h('h2', {}, 'Rows'), list.node);
  await list.ready;
}

export async function quarantine(page, tenant, found) {
  const path = at('tenants', tenant, 'quarantine');
  const state = h('select', { 'aria-label': 'State' }, ['open', 'retried', 'dismissed'].map((word) => h('option', {}, word)));
  const integration = h('input', { 'aria-label': 'Integration', placeholder: 'all integrations', value: found.get('integration') ?? '' });
  const wanted = () => ({ state: state.value, integration: integration.value.trim() });
  const done = (text) => async () => { say(text); await list.again(); };
  const list = pages((after) => get(query(path, { ...wanted(), after })), (all) => table(['When', 'From', 'Why', 'What', ''], all.map((record) => [
    when(record.at), [record.integration, ' / ', record.stream, record.key && h('p', { className: 'hint' }, record.key)], record.cause,
    h('details', {}, h('summary', {}, `${record.body_bytes.toLocaleString()} bytes`), pretty(record.body ?? record.body_base64 ?? '')),
    record.state === 'open' ? h('div', {}, action({ label: 'Retry', role: 'operator', path: `${path}/${record.id}/retry`, kind: 'small', done: done('its integration is read again') }),
      action({ label: 'Dismiss', role: 'operator', path: `${path}/${record.id}/dismiss`, kind: 'plain small', done: done('dismissed') })) : badge(record.state)]), 'No record is here in this state.'));
  const submit = (event) => { event.preventDefault(); list.again().catch((error) => say(error.message, true)); };
  state.addEventListener('change', submit);
  put(page.body, h('form', { className: 'row', onsubmit: submit }, state, integration, h('button', {}, 'Show'), curlButton('GET', () => query(path, wanted()))), list.node);
  await list.ready;
}
