// What stands between workerd and the exports of WebAssembly: each request and each object is answered by
// the instance of the moment, and a panic makes a new one. scripts/lib/bundle.mjs adds what is exported.
//
// From worker-build 0.8.7 of Cloudflare's workers-rs (Apache-2.0), changed in its form only.

import { WorkerEntrypoint } from "cloudflare:workers";
import * as exports from "./index.js";

Error.stackTraceLimit = 100;
const initState = exports.__worker_init_state();

function checkReinitialize() {
  if (!initState.criticalError) return;
  console.log("Reinitializing Wasm application");
  exports.__wbg_reset_state();
  initState.criticalError = false;
  initState.instanceId++;
}

addEventListener("error", (event) => handleMaybeCritical(event.error));

function handleMaybeCritical(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error("Critical", error);
  initState.criticalError = true;
}

class Entrypoint extends WorkerEntrypoint {}

const instanceProxyHooks = {
  set: (target, name, value, receiver) => Reflect.set(target.instance, name, value, receiver),
  has: (target, name) => Reflect.has(target.instance, name),
  deleteProperty: (target, name) => Reflect.deleteProperty(target.instance, name),
  apply: (target, self, args) => Reflect.apply(target.instance, self, args),
  construct: (target, args, newTarget) => Reflect.construct(target.instance, args, newTarget),
  getPrototypeOf: (target) => Reflect.getPrototypeOf(target.instance),
  setPrototypeOf: (target, prototype) => Reflect.setPrototypeOf(target.instance, prototype),
  isExtensible: (target) => Reflect.isExtensible(target.instance),
  preventExtensions: (target) => Reflect.preventExtensions(target.instance),
  getOwnPropertyDescriptor: (target, name) => Reflect.getOwnPropertyDescriptor(target.instance, name),
  defineProperty: (target, name, descriptor) => Reflect.defineProperty(target.instance, name, descriptor),
  ownKeys: (target) => Reflect.ownKeys(target.instance),
};

const plain = {
  apply(target, self, args) {
    checkReinitialize();
    try {
      return target.apply(self, args);
    } catch (error) {
      handleMaybeCritical(error);
      throw error;
    }
  },
};

const promised = {
  async apply(target, self, args) {
    checkReinitialize();
    try {
      return await target.apply(self, args);
    } catch (error) {
      handleMaybeCritical(error);
      throw error;
    }
  },
};

const classProxyHooks = {
  construct(ctor, args, newTarget) {
    try {
      checkReinitialize();
      const instance = {
        instance: Reflect.construct(ctor, args, newTarget),
        instanceId: initState.instanceId,
        ctor,
        args,
        newTarget,
      };
      return new Proxy(instance, {
        ...instanceProxyHooks,
        get(target, name, receiver) {
          if (target.instanceId !== initState.instanceId) {
            target.instance = Reflect.construct(target.ctor, target.args, target.newTarget);
            target.instanceId = initState.instanceId;
          }
          const original = Reflect.get(target.instance, name, receiver);
          if (typeof original !== "function") return original;
          return new Proxy(original, original.constructor === Function ? plain : promised);
        },
      });
    } catch (error) {
      initState.criticalError = true;
      throw error;
    }
  },
};

export default new Proxy(Entrypoint, classProxyHooks);
