// Draws the reference from the OpenAPI document of this very server.
import { h, put, table } from '/console/dom.js';

const METHODS = ['get', 'post', 'patch', 'put', 'delete'];
const box = document.getElementById('reference');

const prose = (text) => String(text ?? '').split('`').map((part, at) => (at % 2 ? h('code', {}, part) : part));

function told(schema) {
  if (!schema) return '';
  if (schema.$ref) { const name = schema.$ref.split('/').pop(); return h('a', { href: `#schema-${name}` }, name); }
  if (schema.oneOf || schema.anyOf) return (schema.oneOf ?? schema.anyOf).flatMap((one, at) => [at ? ' or ' : '', told(one)]);
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(' or ');
  const types = [schema.type ?? 'any'].flat();
  if (types.includes('array')) return ['list of ', told(schema.items), types.includes('null') ? ' or null' : ''];
  return types.join(' or ') + (schema.format ? ` (${schema.format})` : '');
}

function fields(schema) {
  const parts = schema.allOf ?? [schema];
  const all = parts.flatMap((part) => Object.entries(part.properties ?? {}).map(([name, inner]) => [name, inner, part.required?.includes(name)]));
  return all.length ? table(['Field', 'Type', ''], all.map(([name, inner, required]) => [h('code', {}, name), told(inner), [required ? '' : 'optional. ', prose(inner.description)]])) : h('p', {}, told(schema));
}

function operation(path, method, one) {
  const verb = method.toUpperCase();
  const body = one.requestBody?.content && Object.values(one.requestBody.content)[0]?.schema;
  const answers = Object.entries(one.responses ?? {}).filter(([status]) => status !== 'default');
  const parameters = one.parameters ?? [];
  const parts = [`curl${verb === 'GET' ? '' : ` -X ${verb}`} '${location.origin}${path}'`, one['x-needed-role'] && '-H "authorization: Bearer $SYNCLINE_API_KEY"', body && "-H 'content-type: application/json' -d @body.json"];
  return h('details', { className: 'card', id: one.operationId },
    h('summary', {}, h('strong', {}, verb), ' ', h('code', {}, path), ' — ', prose(one.summary)),
    one.description && one.description !== one.summary && h('p', {}, prose(one.description)),
    h('p', { className: 'hint' }, one['x-needed-role'] ? `Needs the role ${one['x-needed-role']}.` : 'For everybody.'),
    parameters.length > 0 && table(['Parameter', 'In', 'Type', ''], parameters.map((one_) => [h('code', {}, one_.name), one_.in, told(one_.schema), [one_.required ? '' : 'optional. ', prose(one_.description)]])),
    body && [h('h3', {}, 'Body'), h('p', {}, told(body))],
    h('h3', {}, 'Answers'), h('ul', {}, answers.map(([status, answer]) => h('li', {}, `${status} `, Object.entries(answer.content ?? {}).map(([kind, { schema }]) => [kind, ' ', told(schema)]), ` ${answer.description}`))),
    h('pre', { tabIndex: 0 }, parts.filter(Boolean).join(' \\\n  ')));
}

async function draw() {
  const document_ = await (await fetch('/api/v1/openapi.json')).json();
  const groups = new Map();
  for (const [path, item] of Object.entries(document_.paths)) {
    for (const method of METHODS.filter((word) => item[word])) {
      const tag = item[method].tags?.[0] ?? 'other';
      groups.set(tag, [...(groups.get(tag) ?? []), operation(path, method, item[method])]);
    }
  }
  const refusal = Object.values(Object.values(document_.paths)[0]).find((one) => one.responses)?.responses.default?.description ?? '';
  const codes = [...refusal.matchAll(/`([a-z_]+)` \((\d+)\)/g)];
  const search = h('input', { type: 'search', placeholder: 'Search operations', 'aria-label': 'Search operations' });
  search.addEventListener('input', () => {
    const word = search.value.toLowerCase();
    for (const card of box.querySelectorAll('details.card')) card.hidden = !card.textContent.toLowerCase().includes(word);
  });
  put(box, h('p', {}, prose(document_.info.description)), h('p', { className: 'hint' }, `Version ${document_.info.version}, OpenAPI ${document_.openapi}`), search,
    [...groups].sort().map(([tag, cards]) => h('section', {}, h('h2', { id: `tag-${tag}` }, tag), cards)),
    h('h2', { id: 'codes' }, 'Codes of refusals'), h('ul', {}, codes.map(([, code, status]) => h('li', { id: `code-${code}` }, h('code', {}, code), ` ${status}`))),
    h('h2', { id: 'schemas' }, 'Schemas'), Object.entries(document_.components.schemas).map(([name, schema]) => h('section', { className: 'card', id: `schema-${name}` }, h('h3', {}, name), schema.description && h('p', {}, prose(schema.description)), fields(schema))));
  if (location.hash) {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target instanceof HTMLDetailsElement) target.open = true;
    target?.scrollIntoView();
  }
}

draw().catch((error) => put(box, h('p', { className: 'wrong', role: 'alert' }, `The document cannot be read: ${error.message}`)));
