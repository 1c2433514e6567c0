// Unified tables: what there is, the rows, and of one row the records that it stands for and what became of it.
import { badge, h, num, pages, pretty, put, say, table, when } from './dom.js';
import { at, curlButton, get, query } from './api.js';

const address = (tenant, ...parts) => `#/t/${[tenant, 'entities', ...parts].map(encodeURIComponent).join('/')}`;
const cell = (content) => (content === null || content === undefined ? h('span', { className: 'hint' }, '–') : typeof content === 'object' ? h('code', {}, JSON.stringify(content)) : String(content));

const progress = (one) => one.taking_over && h('span', { className: 'row' }, h('progress', { max: Math.max(one.taking_over.known, 1), value: one.taking_over.taken, 'aria-label': `Taking over records of ${one.name}` }),
  `${one.taking_over.taken.toLocaleString()} of ${one.taking_over.known.toLocaleString()} records taken over`);

// While records are still taken over, the page looks again.
function lookAgain(page, items, again) {
  if (items.some((one) => one?.taking_over)) setTimeout(() => { if (!page.signal.aborted) again().catch((error) => say(error.message, true)); }, 1500);
}

export async function entities(page, tenant, name, id) {
  const path = at('tenants', tenant, 'entities');
  const { items } = await get(path);
  if (!name) {
    lookAgain(page, items, () => entities(page, tenant));
    put(page.body, h('p', {}, curlButton('GET', path)), table(['Entity', 'Rows', 'Records', 'From', ''], items.map((one) => [
      h('a', { href: address(tenant, one.name) }, one.name), num(one.rows), num(one.records), one.streams.join(', '), progress(one) ?? badge('complete')]),
    ['Nothing is unified yet. ', h('a', { href: `#/t/${encodeURIComponent(tenant)}/plans` }, 'Make a plan and accept it'), ': then the same customer in two apps is one row.']));
    return;
  }
  const one = items.find((entity) => entity.name === name);
  if (!one) { put(page.body, h('p', { className: 'empty' }, 'There is no such entity.')); return; }
  if (id) { await thing(page, tenant, one, id); return; }
  const rows = at('tenants', tenant, 'entities', name, 'rows');
  const status = h('p', { role: 'status' });
  const show = (now) => {
    put(status, now && progress(now));
    lookAgain(page, [now], async () => show((await get(path)).items.find((entity) => entity.name === name)));
  };
  show(one);
  const target = (column, value) => (column.references && value ? h('a', { href: address(tenant, column.references, value) }, value.slice(0, 8)) : cell(value));
  const list = pages((after) => get(query(rows, { after })), (all) => table(['', 'From', ...one.columns.map((column) => `${column.name} (${column.references ? `to ${column.references}` : column.type.toLowerCase()})`)], all.map((row) => [
    h('a', { href: address(tenant, name, row.id) }, row.id.slice(0, 8)), num(row._syncline_records), ...one.columns.map((column) => target(column, row[column.name]))]), 'There are no rows yet.'));
  put(page.body, h('p', { className: 'row' }, `${one.rows.toLocaleString()} rows of ${one.records.toLocaleString()} records; ${one.resolve ? 'the same things are one row' : 'each record is a row'}`, curlButton('GET', rows)), status, list.node);
  await list.ready;
}

async function thing(page, tenant, one, id) {
  const path = at('tenants', tenant, 'entities', one.name, 'rows', id);
  const found = await get(path);
  const lineage = found.row._syncline_lineage ?? {};
  const from = (column) => lineage[column.name] && [h('code', {}, lineage[column.name][0]), lineage[column.name][1] && h('p', { className: 'hint' }, lineage[column.name][1])];
  put(page.body, h('p', { className: 'row' }, h('a', { href: address(tenant, one.name) }, `All of ${one.name}`), curlButton('GET', path)),
    h('h2', {}, 'What is known'), table(['Field', 'Value', 'From'], one.columns.map((column) => [h('b', {}, column.name), column.references && found.row[column.name] ? h('a', { href: address(tenant, column.references, found.row[column.name]) }, found.row[column.name]) : cell(found.row[column.name]), from(column)])),
    h('h2', {}, `The ${found.sources.length === 1 ? 'record' : `${found.sources.length} records`} that it stands for`), table(['Table', 'List', 'Key'], found.sources.map((source) => [h('a', { href: `#/t/${encodeURIComponent(tenant)}/tables/${encodeURIComponent(source.stream)}` }, source.stream), cell(source.list), h('code', {}, source.key)])),
    h('h2', {}, 'Merges and splits'), table(['When', 'What', 'Why'], found.turns.map((turn) => [when(turn.at), badge(turn.what), h('details', {}, h('summary', {}, `${turn.evidence.length} pairs of records`), pretty(turn.evidence))]), 'It was never merged with another row, nor split.'));
}
