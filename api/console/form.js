// A form made of a JSON Schema: what a connector wants to know, with secrets that are written and never read.
import { h, put } from './dom.js';

const isSecret = (schema) => schema.airbyte_secret || schema.writeOnly || schema.format === 'password';
const typeOf = (schema) => (Array.isArray(schema.type) ? schema.type.find((type) => type !== 'null') : schema.type);
const isMark = (value) => value && typeof value === 'object' && value.set === true && Object.keys(value).length === 1;
let count = 0;

// What a merge patch must say so that `before` becomes `now`: what is no longer there is null.
export function patch(before, now) {
  const known = Object.entries(before ?? {}).map(([name, old]) => {
    const next = now?.[name];
    const both = [old, next].every((one) => one && typeof one === 'object' && !Array.isArray(one));
    return [name, next === undefined ? null : both ? patch(old, next) : next];
  });
  return { ...now, ...Object.fromEntries(known) };
}

function resolved(schema, root) {
  if (!schema?.$ref) return schema ?? {};
  const found = schema.$ref.replace(/^#\//, '').split('/').reduce((at, part) => at?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], root);
  return { ...resolved(found, root), ...schema, $ref: undefined };
}

// Gives { node, value(hide), problems(list) }. `value` is undefined where nothing was said; with `hide`, secrets are not in it.
export function form(schema, value, root = schema, path = '', name = '', required = false) {
  const full = resolved(schema, root);
  if (full.const !== undefined) return { node: '', value: () => full.const, problems: () => false };
  if (full.oneOf || full.anyOf) return choice(full, value, root, path, name, required);
  if (full.properties || typeOf(full) === 'object' && !full.additionalProperties) return group(full, value, root, path, name);
  return field(full, value, path, name, required);
}

function group(schema, value, root, path, name) {
  const order = Object.entries(schema.properties ?? {}).sort(([, a], [, b]) => (a.order ?? 99) - (b.order ?? 99));
  const parts = order.map(([member, inner]) => {
    const here = `${path}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return [member, form(inner, value?.[member], root, here, member, schema.required?.includes(member))];
  });
  const nodes = parts.map(([, part]) => part.node);
  const node = name ? h('fieldset', {}, h('legend', {}, schema.title ?? name), schema.description && h('p', { className: 'hint' }, schema.description), nodes) : h('div', {}, nodes);
  return {
    node,
    value(hide) {
      const said = parts.map(([member, part]) => [member, part.value(hide)]).filter(([, inner]) => inner !== undefined);
      return said.length || !name ? Object.fromEntries(said) : undefined;
    },
    problems: (list) => parts.forEach(([, part]) => part.problems(list)),
  };
}

function choice(schema, value, root, path, name, required) {
  const options = (schema.oneOf ?? schema.anyOf).map((option) => resolved(option, root)).filter((option) => option.type !== 'null');
  const fits = (option) => Object.entries(option.properties ?? {}).every(([member, inner]) => inner.const === undefined || value?.[member] === inner.const);
  let index = Math.max(0, value === undefined ? 0 : options.findIndex(fits));
  const box = h('div');
  const id = `f${count++}`;
  let part;
  const show = () => {
    part = form(options[index] ?? {}, value, root, path, '', required);
    put(box, part.node);
  };
  const select = h('select', { id, onchange: () => { index = select.selectedIndex; show(); } }, options.map((option, at) => h('option', { selected: at === index }, option.title ?? `Option ${at + 1}`)));
  show();
  const node = h('fieldset', {}, h('legend', {}, schema.title ?? (name || 'Choose')), schema.description && h('p', { className: 'hint' }, schema.description),
    options.length > 1 && [h('label', { htmlFor: id }, 'Which one'), select], box);
  return { node, value: (hide) => part.value(hide), problems: (list) => part.problems(list) };
}

function field(schema, value, path, name, required) {
  const id = `f${count++}`;
  const type = typeOf(schema);
  const secret = isSecret(schema);
  const kept = isMark(value);
  const known = kept ? undefined : value ?? schema.default;
  const wrong = h('p', { className: 'wrong', id: `${id}-wrong`, role: 'alert' });
  const hint = [schema.description, schema.examples?.length ? `For example: ${schema.examples.slice(0, 2).join(', ')}` : null].filter(Boolean).join(' ');
  const shared = { id, required: required && !kept, 'aria-describedby': `${id}-hint ${id}-wrong` };
  let input;
  let read;
  if (schema.enum) {
    input = h('select', shared, !required && h('option', { value: '' }, '–'), schema.enum.map((word, at) => h('option', { value: at, selected: known === word }, String(word))));
    read = () => (input.value === '' ? undefined : schema.enum[Number(input.value)]);
  } else if (type === 'boolean') {
    input = h('input', { ...shared, required: false, type: 'checkbox', checked: known === true });
    read = () => (input.checked || known !== undefined || required ? input.checked : undefined);
  } else if (type === 'integer' || type === 'number') {
    input = h('input', { ...shared, type: 'number', step: type === 'integer' ? 1 : 'any', value: known ?? '', min: schema.minimum, max: schema.maximum });
    read = () => (input.value === '' ? undefined : Number(input.value));
  } else if (type === 'array' && typeOf(schema.items ?? {}) === 'string') {
    input = h('textarea', { ...shared, value: (known ?? []).join('\n'), placeholder: 'one on each line' });
    read = () => { const lines = input.value.split('\n').map((line) => line.trim()).filter(Boolean); return lines.length ? lines : undefined; };
  } else if (type === 'array' || type === 'object' || type === undefined) {
    input = h('textarea', { ...shared, value: known === undefined ? '' : JSON.stringify(known, null, 2), placeholder: 'JSON' });
    read = () => {
      if (!input.value.trim()) return undefined;
      try { return JSON.parse(input.value); } catch { wrong.textContent = 'this is no JSON'; throw new Error(`\`${name}\` is no JSON`); }
    };
  } else {
    const kind = secret ? 'password' : schema.format === 'date' ? 'date' : schema.format === 'uri' ? 'url' : 'text';
    const place = kept ? 'kept; write here to replace it' : '';
    const tall = schema.multiline && !secret;
    input = h(tall ? 'textarea' : 'input', { ...shared, ...(tall ? {} : { type: kind }), value: known ?? '', placeholder: place, autocomplete: secret ? 'new-password' : 'off', spellcheck: false });
    read = (hide) => (input.value === '' ? (kept ? value : undefined) : secret && hide ? 'SECRET' : input.value);
  }
  const label = h('label', { htmlFor: id }, schema.title ?? name, required ? ' *' : '', secret ? ' (secret)' : '');
  const node = h('div', {}, type === 'boolean' ? h('label', { className: 'inline' }, input, schema.title ?? name) : [label, input], hint && h('p', { className: 'hint', id: `${id}-hint` }, hint), wrong);
  return {
    node,
    value: read,
    problems(list) {
      const own = list.filter((problem) => problem.path === `/settings${path}`);
      wrong.textContent = own.map((problem) => problem.why).join('; ');
      input.setAttribute('aria-invalid', own.length > 0);
    },
  };
}
