/** A question as YAML, the way `etappe ask` reads it. */

function scalar(value: unknown): string {
  if (typeof value !== 'string') return String(value)
  const plain = /^[\p{L}_][\p{L}\p{N}_. /-]*$/u.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value) && value.trim() === value
  return plain ? value : JSON.stringify(value)
}

export function yaml(value: unknown, indent = ''): string {
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== 'object' || one === null)) return `[${value.map(scalar).join(', ')}]`
    return value.map((one) => `\n${indent}- ${yaml(one, `${indent}  `).trimStart()}`).join('')
  }
  if (value !== null && typeof value === 'object') {
    return Object.entries(value)
      .filter(([, one]) => one !== null && one !== undefined)
      .map(([key, one]) => `\n${indent}${key}: ${yaml(one, `${indent}  `)}`.replace(/: \n/, ':\n'))
      .join('')
  }
  return scalar(value)
}
