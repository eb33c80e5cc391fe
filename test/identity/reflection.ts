/**
 * @peculiar/x509 wants reflect-metadata, or another polyfill, to be loaded before it. These three functions are all that
 * it asks for at run time; import this file first.
 */
const stores = new WeakMap<object, Map<unknown, unknown>>();

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const store = stores.get(target) ?? new Map<unknown, unknown>();
  stores.set(target, store.set(key, value));
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return stores.get(target)?.get(key);
}

Object.assign(Reflect, { defineMetadata, getOwnMetadata, getMetadata: getOwnMetadata });
