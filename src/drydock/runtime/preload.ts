import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Target } from './forwarder.ts';
import { LIFELINE_FD } from './process.ts';

/** The variables by which the preload knows its pod; it removes the lifeline's from what children inherit. */
export const PRELOAD_VARIABLES = {
  ip: 'DRYDOCK_POD_IP',
  localhost: 'DRYDOCK_POD_LOCALHOST',
  namespace: 'DRYDOCK_POD_NAMESPACE',
  ports: 'DRYDOCK_POD_PORTS',
  hosts: 'DRYDOCK_HOSTS',
  mounts: 'DRYDOCK_MOUNTS',
  lifeline: 'DRYDOCK_LIFELINE',
} as const;

/**
 * Writes the file that every Node.js program of a pod loads first. It gives the program the network of a pod without
 * a network namespace:
 * - a server that listens on every address listens on the pod's; one that listens on localhost, on the pod's own;
 *   where this machine has the port in use, on another one that the cluster knows;
 * - a connection to localhost on a port that this pod listens on goes there, any other goes where it says;
 * - names of Services resolve from the cluster's hosts file, and their low ports to where the cluster could listen;
 * - absolute paths of mounted volumes and of the image's own folders lead there;
 * - when the cluster dies, the program's process group dies with it.
 * It is replaced as a whole: a program that starts meanwhile must not load half of it.
 */
export function writePreload(folder: string): string {
  const file = path.join(folder, 'preload.cjs');
  writeFileSync(`${file}.new`, SOURCE);
  renameSync(`${file}.new`, file);
  return file;
}

/**
 * Where a program of a pod that listens on `port` really is; the port itself on the pod's address where nothing else
 * is known. `ports` is the folder that the preload notes its listeners in.
 */
export function listenerOf(ports: string, ip: string, port: number): Target {
  try {
    const [host, actual] = readFileSync(path.join(ports, String(port)), 'utf8').split(' ');
    // What listens on the pod's localhost is not reached from outside.
    if (host === ip && actual !== undefined) return { host: ip, port: Number(actual) };
  } catch {
    // It does not listen yet, or is no Node.js program.
  }
  return { host: ip, port };
}

/** `existing` NODE_OPTIONS with the preload in front. */
export function nodeOptions(preload: string, existing: string | undefined): string {
  const quoted = `"${preload.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return `--require ${quoted}${existing === undefined || existing === '' ? '' : ` ${existing}`}`;
}

const SOURCE = `'use strict';
const net = require('node:net');
const dns = require('node:dns');
const fs = require('node:fs');
const path = require('node:path');

const env = process.env;
const podIP = env.${PRELOAD_VARIABLES.ip};
const podLocalhost = env.${PRELOAD_VARIABLES.localhost};
const namespace = env.${PRELOAD_VARIABLES.namespace};
const portsFolder = env.${PRELOAD_VARIABLES.ports};
const hostsFile = env.${PRELOAD_VARIABLES.hosts};

function unspecified(host) {
  return host === undefined || host === null || host === '' || host === '0.0.0.0' || host === '::' || host === '::0';
}
function loopback(host) {
  return host === 'localhost' || host === '127.0.0.1' || host === '::1';
}

// Listening.
function ownAddress(host) {
  if (unspecified(host)) return podIP;
  return loopback(host) ? podLocalhost : host;
}
function listeningAt(port) {
  if (portsFolder === undefined || !/^\\d+$/.test(String(port))) return undefined;
  try {
    const [host, actual] = fs.readFileSync(path.join(portsFolder, String(port)), 'utf8').split(' ');
    return { host, port: Number(actual) };
  } catch {
    return undefined;
  }
}
function isHeldByPod(port) {
  try {
    // A note of an earlier run of this container is no holder.
    process.kill(Number(fs.readFileSync(path.join(portsFolder, String(port)), 'utf8').split(' ')[2]), 0);
    return true;
  } catch {
    return false;
  }
}
// A program of this machine that holds the port on every address would stop the pod's: it gets another one then, and
// the cluster leads to it. The pod's own second listener on one port fails as it does anywhere.
function elsewhere(server, port, host) {
  const emit = server.emit;
  server.emit = function (event, error, ...rest) {
    if (event !== 'error' && event !== 'listening') return emit.call(this, event, error, ...rest);
    delete server.emit;
    const taken = event === 'error' && error?.code === 'EADDRINUSE' && error?.syscall === 'listen';
    if (!taken || isHeldByPod(port)) return emit.call(this, event, error, ...rest);
    listen.call(server, { port: 0, host });
    return true;
  };
}
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const first = args[0];
  if (podIP !== undefined && typeof first !== 'function') {
    if (typeof first === 'object' && first !== null) {
      if (first.port !== undefined && first.path === undefined) {
        args[0] = { ...first, host: ownAddress(first.host), ipv6Only: false };
      }
    } else if (typeof first === 'number' || (typeof first === 'string' && /^\\d+$/.test(first)) || first == null) {
      if (typeof args[1] === 'string') args[1] = ownAddress(args[1]);
      else if (typeof args[1] === 'number') args = [first ?? 0, podIP, ...args.slice(1)];
      else args = [first ?? 0, podIP, ...args.slice(1).filter((arg) => arg != null)];
    }
  } else if (podIP !== undefined) {
    args = [0, podIP, ...args];
  }
  const wanted = typeof args[0] === 'object' && args[0] !== null ? Number(args[0].port) : Number(args[0] ?? 0);
  const address = typeof args[0] === 'object' && args[0] !== null ? args[0].host : args[1];
  const own = podIP !== undefined && (address === podIP || address === podLocalhost);
  if (own) {
    this.once('listening', () => {
      const at = this.address();
      if (portsFolder === undefined || at === null || typeof at !== 'object') return;
      try {
        fs.writeFileSync(path.join(portsFolder, String(wanted || at.port)), [at.address, at.port, process.pid].join(' '));
      } catch {}
    });
    if (wanted > 0) elsewhere(this, wanted, address);
  }
  return listen.apply(this, args);
};

// Names of Services.
let hosts = { names: {}, moved: {} };
let readAt = -1;
function readHosts() {
  if (hostsFile === undefined) return hosts;
  try {
    const { mtimeMs } = fs.statSync(hostsFile);
    if (mtimeMs !== readAt) {
      hosts = JSON.parse(fs.readFileSync(hostsFile, 'utf8'));
      readAt = mtimeMs;
    }
  } catch {}
  return hosts;
}
function serviceAddresses(host) {
  if (typeof host !== 'string' || net.isIP(host) !== 0) return undefined;
  const name = host.toLowerCase().replace(/\\.$/, '').replace(/\\.svc(\\.cluster\\.local)?$/, '');
  const { names } = readHosts();
  const found = names[name.includes('.') ? name : name + '.' + namespace] ?? names[name];
  return Array.isArray(found) && found.length > 0 ? found : undefined;
}
const lookup = dns.lookup;
dns.lookup = function (hostname, options, callback) {
  const done = typeof options === 'function' ? options : callback;
  const found = serviceAddresses(hostname);
  if (found === undefined || typeof done !== 'function') return lookup.apply(dns, arguments);
  const all = typeof options === 'object' && options !== null && options.all === true;
  process.nextTick(() => {
    if (all) done(null, found.map((address) => ({ address, family: 4 })));
    else done(null, found[0], 4);
  });
  return {};
};
dns.lookup[require('node:util').promisify.custom] = (hostname, options) => dns.promises.lookup(hostname, options);
const lookupPromise = dns.promises.lookup;
dns.promises.lookup = async function (hostname, options) {
  const found = serviceAddresses(hostname);
  if (found === undefined) return lookupPromise.apply(dns.promises, arguments);
  const listed = found.map((address) => ({ address, family: 4 }));
  return typeof options === 'object' && options !== null && options.all === true ? listed : listed[0];
};

// Connecting.
function destination(host, port) {
  if (host === undefined || host === null || host === '' || loopback(host)) {
    return listeningAt(port);
  }
  const address = net.isIP(host) === 4 ? host : serviceAddresses(host)?.[0];
  return address === undefined ? undefined : readHosts().moved[address + ':' + port];
}
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const normalized = Array.isArray(args[0]);
  const list = normalized ? args[0] : args;
  const first = list[0];
  if (typeof first === 'object' && first !== null && first.path == null) {
    const to = destination(first.host, first.port);
    if (to !== undefined) {
      const options = { ...first, host: to.host, port: to.port };
      delete options.lookup;
      if (normalized) list[0] = options;
      else args[0] = options;
    }
  } else if (!normalized && (typeof first === 'number' || (typeof first === 'string' && /^\\d+$/.test(first)))) {
    const host = typeof args[1] === 'string' ? args[1] : undefined;
    const to = destination(host, first);
    if (to !== undefined) args = [to.port, to.host, ...args.slice(host === undefined ? 1 : 2)];
  }
  return connect.apply(this, args);
};

// Files.
let mounts = [];
try {
  mounts = JSON.parse(env.${PRELOAD_VARIABLES.mounts} ?? '[]').sort((a, b) => b[0].length - a[0].length);
} catch {}
function placed(file) {
  let name = file;
  if (file instanceof URL && file.protocol === 'file:') name = require('node:url').fileURLToPath(file);
  if (typeof name !== 'string' || name[0] !== '/') return file;
  for (const [at, target] of mounts) {
    if (name === at || name.startsWith(at + '/')) return target + name.slice(at.length);
  }
  return file;
}
function place(module, names, count) {
  for (const name of names) {
    const original = module[name];
    if (typeof original !== 'function') continue;
    module[name] = Object.assign(function (...args) {
      for (let index = 0; index < count; index++) args[index] = placed(args[index]);
      return original.apply(this, args);
    }, original);
  }
}
if (mounts.length > 0) {
  const one = ['access', 'appendFile', 'chmod', 'chown', 'lstat', 'mkdir', 'mkdtemp', 'open', 'opendir', 'readdir',
    'readFile', 'readlink', 'realpath', 'rm', 'rmdir', 'stat', 'statfs', 'truncate', 'unlink', 'utimes', 'writeFile'];
  const two = ['copyFile', 'cp', 'link', 'rename', 'symlink'];
  const sync = (names) => names.map((name) => name + 'Sync');
  place(fs, [...one, ...sync(one), 'createReadStream', 'createWriteStream', 'exists', 'existsSync', 'watch', 'watchFile', 'unwatchFile'], 1);
  place(fs, [...two, ...sync(two)], 2);
  place(fs.promises, [...one, 'watch'], 1);
  place(fs.promises, two, 2);
}
require('node:module').syncBuiltinESMExports();

// The other end of this pipe is held by the cluster: it closes when the cluster is gone, however it went.
if (env.${PRELOAD_VARIABLES.lifeline} === '${LIFELINE_FD}') {
  delete env.${PRELOAD_VARIABLES.lifeline};
  try {
    const lifeline = new net.Socket({ fd: ${LIFELINE_FD}, readable: true, writable: false });
    const die = () => {
      try {
        process.kill(-process.pid, 'SIGKILL');
      } catch {
        process.exit(137);
      }
    };
    lifeline.on('end', die);
    lifeline.on('error', () => {});
    lifeline.resume();
    lifeline.unref();
  } catch {}
}
`;
