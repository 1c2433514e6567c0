// Connects an app: choose a connector, fill in what it asks, try it for real, choose streams and a schedule, start.
import { h, put, say } from './dom.js';
import { action, api, at, curlButton, get, query } from './api.js';
import { form, patch } from './form.js';
import { scheduleField } from './integration.js';

const STEPS = ['Choose', 'Connect', 'Streams and schedule'];

function steps(now) {
  return h('ol', { className: 'steps', 'aria-label': 'Steps' }, STEPS.map((name, at_) => h('li', { 'aria-current': at_ === now && 'step' }, `${at_ + 1}. ${name}`)));
}

export async function onboard(page, tenant) {
  const search = h('input', { type: 'search', placeholder: 'Search: name, kind of system, kind of business', 'aria-label': 'Search connectors' });
  const category = h('select', { 'aria-label': 'Category' });
  const found = h('div', { className: 'grid', 'aria-live': 'polite' });
  const path = () => query(at('connectors'), { q: search.value.trim(), category: category.value });
  const look = async () => {
    const { items, categories } = await get(path());
    if (!category.options.length) put(category, h('option', { value: '' }, 'All categories'), categories.map((word) => h('option', { value: word }, word)));
    put(found, items.length ? items.map((one) => h('button', { className: 'pick', type: 'button', onclick: () => connect(page, tenant, one.name) },
      h('strong', {}, one.title), h('p', { className: 'hint' }, one.category), h('p', { className: 'hint' }, one.description))) : h('p', { className: 'empty' }, 'No connector is like that.'));
  };
  let timer;
  search.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(look, 150); });
  category.addEventListener('change', look);
  put(page.body, steps(0), h('p', { className: 'row' }, search, category, curlButton('GET', path)), found);
  await look();
}

async function connect(page, tenant, name) {
  const connector = await get(at('connectors', name));
  const id = h('input', { id: 'new-id', required: true, value: name, pattern: '[a-z0-9]([a-z0-9_\\-]*[a-z0-9])?', maxLength: 48 });
  const title = h('input', { id: 'new-title', value: connector.title });
  const answer = h('div', { role: 'status' });
  const rest = h('p');
  let fields = form(connector.settings_schema);
  let made = null;
  const all = at('tenants', tenant, 'integrations');
  const body = (hide) => (made ? { title: title.value, settings: patch(made.settings, fields.value(hide)) } : { id: id.value.trim(), connector: name, title: title.value, settings: fields.value(hide), schedule: 'manual' });
  const here = () => (made ? at('tenants', tenant, 'integrations', made.id) : all);
  const submit = async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    put(answer, h('p', {}, 'Trying …'));
    put(rest);
    fields.problems([]);
    try {
      made = await api(made ? 'PATCH' : 'POST', here(), body());
      id.disabled = true;
      const tried = await api('POST', `${here()}/test`);
      put(answer, tried.works ? h('p', { className: 'works' }, 'The connection works.') : h('p', { className: 'wrong' }, `It does not work yet (${tried.code}): ${tried.message}`));
      put(rest, tried.works
        ? h('button', { type: 'button', onclick: () => choose(page, tenant, made) }, 'Go on')
        : h('a', { href: `#/t/${encodeURIComponent(tenant)}/i/${encodeURIComponent(made.id)}` }, 'Leave it as a draft'));
    } catch (error) {
      fields.problems(error.problem?.problems ?? []);
      put(answer, h('p', { className: 'wrong' }, error.message));
    } finally {
      button.disabled = false;
    }
  };
  page.heading.textContent = `Connect ${connector.title}`;
  put(page.body, steps(1),
    connector.setup.length > 0 && h('section', { className: 'card' }, h('h2', {}, 'What to do there first'), h('ol', {}, connector.setup.map((step) => h('li', {}, step)))),
    connector.docs_url && /^https?:/.test(connector.docs_url) && h('p', {}, h('a', { href: connector.docs_url, rel: 'noreferrer noopener', target: '_blank' }, 'The provider’s own documentation')),
    h('form', { className: 'card', onsubmit: submit },
      h('label', { htmlFor: 'new-id' }, 'Id *'), id, h('p', { className: 'hint' }, 'Small letters, digits, - and _. It names tables and events, and is never used again.'),
      h('label', { htmlFor: 'new-title' }, 'Title'), title, fields.node, answer,
      h('p', { className: 'row' }, h('button', {}, 'Save and try the connection'), curlButton(() => (made ? 'PATCH' : 'POST'), here, () => body(true)), rest)));
  page.heading.focus();
}

async function choose(page, tenant, made) {
  const path = at('tenants', tenant, 'integrations', made.id);
  page.heading.textContent = 'What is read, and when';
  put(page.body, steps(2), h('p', { className: 'empty' }, 'Asking for the streams …'));
  const { items } = await get(`${path}/streams`);
  const rows = items.map((stream) => streamRow(stream));
  const every = scheduleField({ every_s: 300 });
  const body = () => {
    const chosen = rows.filter((row) => row.chosen());
    const all = chosen.length === items.length && chosen.every((row) => !row.choice().mode);
    return { schedule: every.value(), streams: all ? null : chosen.map((row) => row.choice()) };
  };
  const start = action({ label: 'Start', method: 'PATCH', role: 'admin', path, body, done: async () => {
    await api('POST', `${path}/resume`);
    const { job } = await api('POST', `${path}/sync`);
    say('it reads');
    location.hash = `#/t/${encodeURIComponent(tenant)}/i/${encodeURIComponent(made.id)}/${job}`;
  } });
  const flip = (to) => rows.forEach((row) => row.set(to));
  put(page.body, steps(2), h('section', { className: 'card' }, h('h2', {}, `Streams (${items.length})`),
    h('p', { className: 'row' }, h('button', { className: 'plain small', type: 'button', onclick: () => flip(true) }, 'All'), h('button', { className: 'plain small', type: 'button', onclick: () => flip(false) }, 'None'), curlButton('GET', `${path}/streams`)),
    rows.map((row) => row.node)), h('section', { className: 'card' }, h('h2', {}, 'Schedule'), every.node), start);
}

export function streamRow(stream) {
  const box = h('input', { type: 'checkbox', checked: stream.chosen && !stream.unavailable, disabled: Boolean(stream.unavailable) });
  const modes = h('select', { 'aria-label': `How ${stream.name} is read` }, h('option', { value: '' }, `best (${String(stream.modes[0] ?? '–').replace('_', ' ')})`), stream.modes.map((mode) => h('option', { value: mode }, mode.replace('_', ' '))));
  const key = stream.primary_key.map((path) => path.join('.')).join(', ');
  return {
    node: h('div', { className: 'row between' }, h('label', { className: 'inline' }, box, stream.name, h('span', { className: 'hint' }, stream.unavailable ?? (key ? `key: ${key}` : 'no key'))), stream.modes.length > 1 && h('span', {}, modes)),
    chosen: () => box.checked,
    set: (to) => { if (!box.disabled) box.checked = to; },
    choice: () => ({ name: stream.name, ...(modes.value ? { mode: modes.value } : {}) }),
  };
}
