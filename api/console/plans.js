// Plans: what is proposed for the tenant's tables, why, what it changes, and the buttons that decide.
import { badge, h, num, pages, put, say, table, when } from './dom.js';
import { action, api, at, curlButton, get, key, may, query } from './api.js';

const percent = (part) => `${Math.round(part * 100)} %`;
const address = (tenant, ...parts) => `#/t/${[tenant, 'plans', ...parts].map(encodeURIComponent).join('/')}`;

export async function plans(page, tenant, id) {
  if (id) return plan(page, tenant, id);
  const path = at('tenants', tenant, 'plans');
  let now = null;
  try { now = await get(at('tenants', tenant, 'organize')); } catch (error) { if (error.problem?.code !== 'wrong_state') throw error; }
  if (!now) { put(page.body, h('p', { className: 'empty' }, 'There are no tables yet, so there is nothing to organize: they come with the first events.')); return; }
  const list = pages((after) => get(query(path, { after })), (all) => table(['Plan', 'State', 'When', 'Why'], all.map((one) => [
    h('a', { href: address(tenant, String(one.id)) }, `Plan ${one.id}`), badge(one.state), when(one.at), [one.why, one.note && h('p', { className: 'hint' }, one.note)]]), 'Nobody has asked for a plan yet.'));
  const policy = h('select', { id: 'policy', disabled: !may('admin') }, [['ask', 'Every plan waits for a person'], ['accept_additive', 'What only adds is accepted; the rest waits']].map(([value, text]) => h('option', { value, selected: value === now.policy }, text)));
  policy.addEventListener('change', async () => { try { await api('PUT', at('tenants', tenant, 'organize', 'policy'), { policy: policy.value }); say('kept'); } catch (error) { say(error.message, true); } });
  const made = async (begun) => { location.hash = address(tenant, String(begun.id)); };
  put(page.body, h('p', { className: 'row' }, action({ label: 'Make a plan', role: 'operator', path: at('tenants', tenant, 'organize'), done: made }), curlButton('GET', path)),
    now.held.length ? h('p', { className: 'wrong', role: 'alert' }, `Waiting for a decision: ${now.held.map((one) => one.stream).join(', ')}. `, h('a', { href: address(tenant, String(now.held[0].plan)) }, `See plan ${now.held[0].plan}`)) : null,
    h('label', { htmlFor: 'policy' }, 'New plans'), policy, h('h2', {}, 'Plans'), list.node,
    h('h2', {}, 'Taken over into unified tables'), table(['Entity', 'Stream', 'Records', ''], now.walks.map((walk) => [walk.entity, walk.stream, num(walk.records), badge(walk.done ? 'done' : 'running')]), 'No plan is accepted yet.'),
    h('h2', {}, 'Profiles'), table(['Stream', 'Records seen'], now.profiled.map((one) => [one.stream, num(one.records)])));
  await list.ready;
}

async function picture(path, name) {
  const answer = await fetch(`${path}/erd.svg`, { headers: { authorization: `Bearer ${key()}` } });
  if (!answer.ok) return h('p', { className: 'wrong' }, 'The picture cannot be drawn.');
  return h('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'Picture' }, h('img', { src: `data:image/svg+xml,${encodeURIComponent(await answer.text())}`, alt: `The tables of ${name} and how they belong together` }));
}

async function plan(page, tenant, id) {
  const path = at('tenants', tenant, 'plans', id);
  page.heading.textContent = `Plan ${id}`;
  const { about, plan: found } = await get(path);
  const again = () => plan(page, tenant, id);
  if (about.state === 'making') {
    put(page.body, h('p', { className: 'empty' }, 'It is being made …'));
    setTimeout(() => { if (!page.signal.aborted) again().catch((error) => say(error.message, true)); }, 700);
    return;
  }
  const changes = (await get(`${path}/diff`)).items;
  const open = about.state === 'proposed';
  const goTo = async (made) => { say(`plan ${made.id} has the change`); location.hash = address(tenant, String(made.id)); };
  const edit = (label, change, ask) => action({ label, role: 'admin', kind: 'plain small', path: `${path}/edit`, body: () => ({ edits: [change()] }), done: goTo, ask });
  const editable = open || about.state === 'accepted';
  const rename = (what, now, change) => {
    if (!editable) return null;
    const name = h('input', { value: now, 'aria-label': `Name of ${what}` });
    return h('span', { className: 'row' }, name, edit('Rename', () => change(name.value.trim())));
  };
  const entity = (one) => h('details', { className: 'card', open: true }, h('summary', {}, h('b', {}, one.name), ` from ${one.streams.join(', ')}; ${one.resolve ? 'same things become one row' : 'each record is a row'}`),
    rename('the entity', one.name, (name) => ({ do: 'rename_entity', entity: one.name, name })),
    table(['Field', 'Fed by', 'Sure', 'Why', ''], one.fields.flatMap((field) => field.sources.map((source, number) => [
      number ? '' : [h('b', {}, field.name), rename(field.name, field.name, (name) => ({ do: 'rename_field', entity: one.name, field: field.name, name }))],
      h('code', {}, `${source.stream}.${source.path}`), percent(source.confidence), source.evidence,
      editable && edit('Drop', () => ({ do: 'drop_mapping', entity: one.name, field: field.name, stream: source.stream, path: source.path }))]))), force(one));
  const force = (one) => {
    if (!editable) return null;
    const field = h('input', { 'aria-label': 'Field', placeholder: 'field' });
    const stream = h('select', { 'aria-label': 'Stream' }, [...new Set(found.tables.map((each) => each.stream))].map((name) => h('option', {}, name)));
    const column = h('input', { 'aria-label': 'Path', placeholder: 'path, as address.city' });
    return h('p', { className: 'row' }, field, stream, column, edit('Let it feed the field', () => ({ do: 'force_mapping', entity: one.name, field: field.value.trim(), stream: stream.value, path: column.value.trim() })));
  };
  const keyOf = (one) => {
    if (!editable) return null;
    const columns = h('input', { value: one.key.columns.join(', '), 'aria-label': `Key of ${one.name}` });
    return h('span', { className: 'row' }, columns, edit('Choose', () => ({ do: 'choose_key', table: one.name, columns: columns.value.split(',').map((each) => each.trim()).filter(Boolean) })));
  };
  const columns = (one) => h('details', {}, h('summary', {}, `${one.columns.length}`), table(['Column', 'Type', 'Path', 'Why'], one.columns.map((column) => [column.name, [column.type, column.meaning && ` (${column.meaning.replaceAll('_', ' ')})`], h('code', {}, column.path), column.evidence])));
  put(page.body, h('p', { className: 'row' }, badge(about.state), ` made ${new Date(about.at).toLocaleString()}: ${about.why}`, curlButton('GET', path)), about.note && h('p', { className: 'hint' }, about.note),
    open && h('p', { className: 'row' }, action({ label: 'Accept', role: 'admin', path: `${path}/accept`, done: again, ask: changes.some((one) => one.breaking) ? 'Some changes give things another meaning or take them away. Accept them?' : null }),
      action({ label: 'Reject', role: 'admin', kind: 'danger', path: `${path}/reject`, done: again })),
    h('h2', {}, about.base ? `What it changes in plan ${about.base}` : 'What it makes'),
    h('details', { className: 'card', open: changes.length < 30 }, h('summary', {}, `${changes.length} changes, ${changes.filter((one) => one.breaking).length} of them breaking`), table(['What', 'Change', ''], changes.map((one) => [one.what, one.change, one.breaking ? badge('breaking') : '']), 'Nothing.')),
    h('h2', {}, 'Picture'), await picture(path, tenant), h('h2', {}, 'Unified entities'), found.entities.length ? found.entities.map(entity) : h('p', { className: 'empty' }, 'Nothing was recognized.'),
    h('h2', {}, 'Tables'), table(['Table', 'Key', 'Sure', 'Why', 'Columns'], found.tables.map((one) => [one.name, [one.key.columns.join(', ') || '–', keyOf(one)], percent(one.key.confidence), one.key.evidence, columns(one)])),
    h('h2', {}, 'Relations'), table(['From', 'To', 'Sure', 'Why'], found.relations.map((one) => [h('code', {}, `${one.from}.${one.columns.join(',')}`), h('code', {}, `${one.to}.${one.to_columns.join(',')}`), percent(one.confidence), one.evidence]), 'None was found.'));
}
