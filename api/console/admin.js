// For owners and admins: API keys, and who did what.
import { badge, h, pages, put, say, table, when } from './dom.js';
import { action, at, curlButton, get, query, session } from './api.js';

export async function keys(page) {
  const path = at('keys');
  const list = pages((after) => get(query(path, { after })), (all) => table(['Key', 'What for', 'Role', 'Tenant', 'Made', 'Last used', ''], all.map((one) => [
    h('code', {}, one.id), one.name, one.role, one.tenant ?? 'all', when(one.created), when(one.last_used),
    one.revoked ? [badge('revoked'), ' ', when(one.revoked)] : action({ label: 'Revoke', method: 'DELETE', role: 'owner', path: at('keys', one.id), kind: 'danger small', ask: `Revoke “${one.name}” for good?`, done: async () => { say('revoked'); await list.again(); } })])));
  const name = h('input', { id: 'key-name', placeholder: 'what it is for' });
  const role = h('select', { id: 'key-role' }, ['viewer', 'operator', 'admin', 'owner'].map((word) => h('option', {}, word)));
  const tenant = h('input', { id: 'key-tenant', value: session.me.tenant ?? '', disabled: Boolean(session.me.tenant), placeholder: 'all tenants' });
  const body = () => ({ name: name.value.trim() || 'no name', role: role.value, ...(tenant.value.trim() ? { tenant: tenant.value.trim() } : {}) });
  const shown = h('div', { role: 'status' });
  const done = async (made) => {
    put(shown, h('p', {}, 'Copy it now; it is not shown again:'), h('pre', { tabIndex: 0 }, made.text));
    await list.again();
  };
  put(page.body, h('p', {}, curlButton('GET', path)), list.node, h('section', { className: 'card' }, h('h2', {}, 'New key'), h('label', { htmlFor: 'key-name' }, 'What for'), name,
    h('label', { htmlFor: 'key-role' }, 'Role'), role, h('p', { className: 'hint' }, 'Viewers look; operators start, pause and retry; admins change integrations; owners may do everything.'),
    h('label', { htmlFor: 'key-tenant' }, 'Tenant'), tenant, h('p', {}, action({ label: 'Make key', role: 'owner', path, body, done })), shown));
  await list.ready;
}

export async function audit(page) {
  const path = at('audit');
  const list = pages((after) => get(query(path, { after })), (all) => table(['#', 'When', 'Who', 'What', 'To what', 'Tenant'], all.map((act) => [
    String(act.id), when(act.at), act.who, act.what.replaceAll('_', ' '), h('code', {}, act.target), act.tenant ?? '–'])));
  const told = (checked) => say(checked.whole ? `whole: ${checked.entries} entries, head ${checked.head.slice(0, 16)}…` : `broken at entry ${checked.broken_at}`, !checked.whole);
  put(page.body, h('p', { className: 'row' }, !session.me.tenant && action({ label: 'Check the chain', method: 'GET', role: 'admin', path: at('audit', 'verify'), done: told }), curlButton('GET', path)), list.node);
  await list.ready;
}
