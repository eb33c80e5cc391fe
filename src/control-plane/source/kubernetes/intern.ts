/**
 * One copy of texts that come again and again: names of namespaces, label keys and values, zones. A hundred thousand pods have
 * some thousand different ones among them. The table starts anew when it has become large, so that names that are used
 * once (a pod's own) can't fill it.
 */
const MAX_TEXTS = 100_000;
let texts = new Map<string, string>();

/** The same text, always as the same object. */
export function intern(text: string): string {
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= MAX_TEXTS) texts = new Map();
  texts.set(text, text);
  return text;
}

/** The same of keys and values. */
export function internAll(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const copy: Record<string, string> = {};
  for (const key in labels) {
    const value = labels[key];
    if (typeof value === "string") copy[intern(key)] = intern(value);
  }
  return copy;
}
