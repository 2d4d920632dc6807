import { type ConfigFault, fileFault, type Reading } from './fault.ts';

/** Where `${NAME}` looks: the environment first, so that one start can differ, then the secrets file. */
export interface VariableSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets?: ReadonlyMap<string, string>;
}

const malformedVariable = `"\${" begins a variable, such as \${NAME}: write "$\${" for the text itself`;
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/** Replaces every `${NAME}` in `text`; `$${` stands for `${` itself. What a variable holds is taken as it is: it is neither
 *  expanded again nor escaped. Never shows a value. */
export function expandVariables(text: string, { env, secrets }: VariableSources): Reading<string> {
  const missing: string[] = [];
  let malformed = false;
  const expanded = text.replace(/\$?\$\{([^{}]*)(\}?)/g, (whole, name: string, end: string) => {
    if (whole.startsWith('$$')) return whole.slice(1);
    const valid = end !== '' && namePattern.test(name);
    const value = valid ? (own(env, name) ?? secrets?.get(name)) : undefined;
    if (!valid) malformed = true;
    else if (value === undefined) missing.push(name);
    return value ?? '';
  });
  if (malformed) return { ok: false, message: malformedVariable };
  if (missing.length === 0) return { ok: true, value: expanded };
  const names = [...new Set(missing)].map((name) => `\${${name}}`).join(', ');
  return { ok: false, message: `${names} is neither in the environment nor in the secrets file` };
}

/** Reads a secrets file: lines of `KEY=VALUE`; empty lines and lines that begin with `#` are skipped; quotes around a whole
 *  value are taken off. A fault names the line, and shows nothing of it. */
export function readSecrets(
  file: string,
  text: string,
): { secrets: ReadonlyMap<string, string>; faults: ConfigFault[] } {
  const secrets = new Map<string, string>();
  const faults: ConfigFault[] = [];
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0)).trim();
    const message = !namePattern.test(name)
      ? 'expected KEY=VALUE'
      : secrets.has(name)
        ? 'this key stands above already'
        : '';
    if (message !== '') faults.push({ ...fileFault(file, message), line: index + 1 });
    else secrets.set(name, unquoted(line.slice(equals + 1).trim()));
  }
  return { secrets, faults };
}

function own(env: VariableSources['env'], name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

function unquoted(value: string): string {
  return /^(['"]).*\1$/s.test(value) && value.length >= 2 ? value.slice(1, -1) : value;
}
