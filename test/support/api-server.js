// @ts-check
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

/*
 * An API server with list and watch over HTTP, which misbehaves when it is told to. In JavaScript, so that a process of its own in
 * a network namespace can be one, too: see run-api-server.js.
 *
 * @typedef {import('node:http').IncomingMessage} Request
 */

/**
 * @typedef {object} ApiObject An object as the API has it.
 * @property {string} kind
 * @property {string} [apiVersion]
 * @property {{ name: string, namespace?: string, labels?: Record<string, string>, resourceVersion?: string, uid?: string }} metadata
 *
 * @typedef {object} Refusal How requests are answered.
 * @property {number} status
 * @property {number} [retryAfter] in seconds
 * @property {string} [only] a part of the paths that are refused; default: all
 *
 * @typedef {object} ServerOptions
 * @property {readonly ApiObject[]} [objects]
 * @property {'yes' | 'refused'} [streamingLists] whether a watch may begin with the list, which older servers refuse
 * @property {number} [port]
 * @property {number} [firstVersion] of its objects; 1,000 by default
 * @property {readonly string[]} [without] kinds whose API it does not have
 * @property {Tls} [tls]
 *
 * @typedef {object} Tls What it shows to its clients, and what they have to show.
 * @property {string} cert
 * @property {string} key
 * @property {string} [ca]
 * @property {boolean} [requestCert]
 * @property {'TLSv1.2'} [maxVersion]
 *
 * @typedef {{ version: number, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ApiObject }} Event
 *
 * @typedef {object} Watch
 * @property {string} kind
 * @property {(object: ApiObject) => boolean} matches
 * @property {import('node:http').ServerResponse} response
 * @property {string[]} sent its last lines
 */

/** @type {Readonly<Record<string, { kind: string, apiVersion: string }>>} */
const kinds = {
  '/api/v1/services': { kind: 'Service', apiVersion: 'v1' },
  '/api/v1/nodes': { kind: 'Node', apiVersion: 'v1' },
  '/apis/discovery.k8s.io/v1/endpointslices': { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1' },
  '/api/v1/pods': { kind: 'Pod', apiVersion: 'v1' },
  '/apis/networking.k8s.io/v1/servicecidrs': { kind: 'ServiceCIDR', apiVersion: 'networking.k8s.io/v1' },
};

/** How many events are kept for watches that continue. */
const longestHistory = 10_000;

export class ApiServer {
  /** Requests so far, `/api/v1/services?...`. @type {string[]} */
  requests = [];
  /** @type {string} */
  url = '';

  /** @type {ServerOptions} */
  #options;
  /** @type {Map<string, ApiObject>} */
  #objects = new Map();
  /** Objects as JSON: with thousands of them, a client would wait for that. @type {WeakMap<ApiObject, string>} */
  #texts = new WeakMap();
  /** @type {Set<Watch>} */
  #watches = new Set();
  /** @type {Set<import('node:net').Socket>} */
  #sockets = new Set();
  /** @type {Event[]} */
  #history = [];
  #version;
  /** Watches can start at this version and those after it. */
  #oldest;
  /** @type {Refusal | undefined} */
  #refusal;
  /** @type {string | undefined} */
  #token;
  /** @type {Readonly<Record<string, string>>} */
  #forbidden = {};
  #hangsUp = false;
  #delay = 0;
  /** What each watch starts with, after the initial events. @type {readonly string[]} */
  #spoilers = [];
  /** What is not said while the server is silent. @type {(() => void)[] | undefined} */
  #unsaid;
  /** @type {import('node:http').Server} */
  #server;

  /** @param {ServerOptions} options */
  constructor(options) {
    this.#options = options;
    this.#version = options.firstVersion ?? 1_000;
    this.#oldest = this.#version;
    this.apply(...(options.objects ?? []));
    this.#server = this.#create();
  }

  /** Listens on its address. */
  async listen() {
    const { address: host = '127.0.0.1' } = this.#options;
    const before = Number(this.url === '' ? (this.#options.port ?? 0) : new URL(this.url).port);
    this.#server.listen(before, host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    this.url = `${this.#options.tls ? 'https' : 'http'}://${host}:${port}`;
  }

  /** Events that were created, as they were sent. @type {ApiObject[]} */
  #events = [];

  /** @returns {ApiObject[]} */
  events() {
    return this.#events;
  }

  /** All objects, with their versions. @returns {ApiObject[]} */
  objects() {
    return [...this.#objects.values()];
  }

  /** Creates or changes objects, and tells all watches. @param {...ApiObject} objects */
  apply(...objects) {
    for (const object of objects) {
      this.#put(this.#objects.has(keyOf(object)) ? 'MODIFIED' : 'ADDED', object);
    }
  }

  /**
   * @param {string} kind
   * @param {string} namespace
   * @param {string} name
   */
  remove(kind, namespace, name) {
    const found = this.#objects.get(`${kind}/${namespace}/${name}`);
    if (found) {
      this.#put('DELETED', found);
    }
  }

  /** Tells all watches which version is current. */
  bookmark() {
    for (const watch of this.#watches) {
      this.#sendBookmark(watch);
    }
  }

  /** Watches can no longer start at the versions so far. */
  forgetHistory() {
    this.#history = [];
    this.#version += 1;
    this.#oldest = this.#version;
  }

  /** Ends all connections, those of watches in the middle of an object. */
  cut() {
    for (const { kind, response } of this.#watches) {
      response.write(`{"type":"MODIFIED","object":{"kind":"${kind}","metadata":{"na`);
    }
    this.#watches.clear();
    // The half of an object has to arrive first.
    setImmediate(() => this.#endConnections());
  }

  /** Says nothing, until it is told to go on: requests are accepted and not answered. @param {boolean} isSilent */
  silence(isSilent) {
    const unsaid = this.#unsaid ?? [];
    this.#unsaid = isSilent ? unsaid : undefined;
    if (!isSilent) {
      for (const say of unsaid) {
        say();
      }
    }
  }

  /** Sends the last line of each watch again, or one before it. @param {'last' | 'earlier'} which */
  repeat(which) {
    for (const watch of this.#watches) {
      const line = watch.sent.at(which === 'last' ? -1 : 0);
      if (line !== undefined) {
        this.#sendLine(watch, line);
      }
    }
  }

  /** Sends a line to all watches. @param {string} line */
  sendLine(line) {
    for (const watch of this.#watches) {
      this.#sendLine(watch, line);
    }
  }

  /** Begins each watch with these lines, after the initial events. @param {...string} lines */
  spoilWatches(...lines) {
    this.#spoilers = lines;
  }

  /** Answers requests with an error; undefined ends that. @param {Refusal | undefined} refusal */
  refuse(refusal) {
    this.#refusal = refusal;
  }

  /**
   * Refuses lists as a server does that lacks a role: of these kinds (`nodes`), all or, where a name is given, all but the list
   * of that object alone.
   *
   * @param {Readonly<Record<string, string>>} kinds
   */
  forbid(kinds) {
    this.#forbidden = kinds;
  }

  /** Accepts only this token from now on. @param {string | undefined} token */
  requireToken(token) {
    this.#token = token;
  }

  /** Resets connections as soon as they are there. @param {boolean} hangsUp */
  hangUp(hangsUp) {
    this.#hangsUp = hangsUp;
    if (hangsUp) {
      this.#endConnections();
    }
  }

  /** Comes back with other certificates. @param {Tls} tls */
  async secure(tls) {
    this.#options = { ...this.#options, tls };
    await this.restart();
  }

  /** How many requests had this in their path so far. @param {string} part */
  countRequests(part) {
    return this.requests.filter((path) => path.includes(part)).length;
  }

  /** @param {number} milliseconds what each part of an answer takes */
  slowDown(milliseconds) {
    this.#delay = milliseconds;
  }

  /**
   * Ends all connections, and comes back after a time, in milliseconds, with other versions.
   *
   * @param {{ firstVersion?: number, down?: number }} [how]
   */
  async restart({ firstVersion = this.#version, down = 0 } = {}) {
    this.#server.close();
    this.#endConnections();
    await new Promise((resolve) => setTimeout(resolve, down));
    const objects = this.objects();
    this.#objects.clear();
    this.#history = [];
    this.#version = firstVersion;
    this.#oldest = firstVersion;
    this.apply(...objects);
    this.#server = this.#create();
    await this.listen();
  }

  async close() {
    this.#server.close();
    this.#endConnections();
    await once(this.#server, 'close');
  }

  #create() {
    /** @type {import('node:http').RequestListener} */
    const listener = (request, response) => {
      this.requests.push(request.url ?? '');
      this.#say(() => this.#answer(request, response));
    };
    const server = this.#options.tls ? createTlsServer(this.#options.tls, listener) : createServer(listener);
    server.on('connection', (socket) => {
      if (this.#hangsUp) {
        socket.resetAndDestroy();
        return;
      }
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    return server;
  }

  #endConnections() {
    this.#watches.clear();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  /** At once, unless the server is silent or slow. @param {() => void} say */
  #say(say) {
    if (this.#unsaid) {
      this.#unsaid.push(say);
    } else if (this.#delay > 0) {
      setTimeout(say, this.#delay);
    } else {
      say();
    }
  }

  /**
   * @param {Event['type']} type
   * @param {ApiObject} object
   */
  #put(type, object) {
    this.#version += 1;
    const apiVersion = Object.values(kinds).find(({ kind }) => kind === object.kind)?.apiVersion ?? 'v1';
    const metadata = { uid: `uid of ${keyOf(object)}`, ...object.metadata, resourceVersion: `${this.#version}` };
    const whole = { ...object, apiVersion, metadata };
    const text = JSON.stringify(whole);
    if (type === 'DELETED') {
      this.#objects.delete(keyOf(object));
    } else {
      this.#texts.set(whole, text);
      this.#objects.set(keyOf(object), whole);
    }
    this.#history.push({ version: this.#version, type, object: whole });
    if (this.#history.length > 2 * longestHistory) {
      this.#history.splice(0, longestHistory);
      this.#oldest = this.#history[0]?.version ?? this.#version;
    }
    const line = eventLine(type, text);
    for (const watch of this.#watches) {
      if (watch.kind === object.kind && watch.matches(whole)) {
        this.#sendLine(watch, line);
      }
    }
  }

  /**
   * @param {Watch} watch
   * @param {string} line
   */
  #sendLine(watch, line) {
    this.#sendLines(watch, [line]);
  }

  /**
   * @param {Watch} watch
   * @param {string[]} lines which are written together
   */
  #sendLines(watch, lines) {
    watch.sent = [...watch.sent, ...lines.slice(-3)].slice(-3);
    this.#say(() => watch.response.write(`${lines.join('\n')}\n`));
  }

  /**
   * @param {Watch} watch
   * @param {Record<string, string>} [annotations]
   */
  #sendBookmark(watch, annotations = {}) {
    const object = { kind: watch.kind, metadata: { resourceVersion: `${this.#version}`, annotations } };
    this.#sendLine(watch, JSON.stringify({ type: 'BOOKMARK', object }));
  }

  /**
   * @param {Request} request
   * @param {import('node:http').ServerResponse} response
   */
  #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    // Of the kinds here, Services have namespaces.
    const [, namespace] = /^\/api\/v1\/namespaces\/([^/]+)\/services$/.exec(pathname) ?? [];
    const definition = kinds[namespace === undefined ? pathname : '/api/v1/services'];
    if (this.#refusal && (request.url ?? '').includes(this.#refusal.only ?? '')) {
      fail(response, this.#refusal.status, 'no answer for now', this.#refusal.retryAfter);
    } else if (this.#token !== undefined && request.headers.authorization !== `Bearer ${this.#token}`) {
      fail(response, 401, 'Unauthorized');
    } else if (request.method === 'POST') {
      void this.#createEvent(pathname, request, response);
    } else if (!definition || this.#options.without?.includes(definition.kind)) {
      fail(response, 404, 'the server could not find the requested resource');
    } else if (this.#isForbidden(pathname, searchParams)) {
      fail(response, 403, forbiddenMessage(pathname));
    } else if (searchParams.get('watch') === 'true') {
      this.#startWatch(definition.kind, searchParams, response);
    } else {
      this.#list(definition, { query: searchParams, namespace }, response);
    }
  }

  /**
   * @param {string} path
   * @param {URLSearchParams} query
   */
  #isForbidden(path, query) {
    const allowed = this.#forbidden[pluralOf(path)];
    return allowed !== undefined && (allowed === '' || query.get('fieldSelector') !== `metadata.name=${allowed}`);
  }

  /**
   * @param {{ kind: string, apiVersion: string }} definition
   * @param {{ query: URLSearchParams, namespace: string | undefined }} selection
   * @param {import('node:http').ServerResponse} response
   */
  #list({ kind, apiVersion }, { query, namespace }, response) {
    const [version = 0, start = 0] = (query.get('continue') ?? `${this.#version}:0`).split(':').map(Number);
    if (version < this.#oldest) {
      fail(response, 410, 'The provided continue parameter is too old');
      return;
    }
    const matches = matcher(query);
    const all = this.#matching(kind, (object) => matches(object) && isIn(object, namespace));
    const end = start + Number(query.get('limit') ?? all.length);
    const items = all.slice(start, end).map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item);
    const metadata = { resourceVersion: `${version}`, ...(end < all.length && { continue: `${version}:${end}` }) };
    respond(response, 200, { kind: `${kind}List`, apiVersion, metadata, items });
  }

  /**
   * @param {string} path
   * @param {Request} request
   * @param {import('node:http').ServerResponse} response
   */
  async #createEvent(path, request, response) {
    const [, namespace] = /^\/apis\/events\.k8s\.io\/v1\/namespaces\/([^/]+)\/events$/.exec(path) ?? [];
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const event = JSON.parse(Buffer.concat(chunks).toString());
    if (namespace === undefined || this.#forbidden['events'] !== undefined) {
      fail(response, 403, `events.events.k8s.io is forbidden: User "viewer" cannot create resource "events"`);
    } else if (event.metadata.namespace !== namespace || (event.regarding.namespace ?? 'default') !== namespace) {
      fail(response, 422, 'involvedObject.namespace: Invalid value: does not match event.namespace');
    } else {
      this.#events.push(event);
      respond(response, 201, event);
    }
  }

  /**
   * @param {string} kind
   * @param {(object: ApiObject) => boolean} matches
   */
  #matching(kind, matches) {
    return this.objects().filter((object) => object.kind === kind && matches(object));
  }

  /**
   * @param {string} kind
   * @param {URLSearchParams} query
   * @param {import('node:http').ServerResponse} response
   */
  #startWatch(kind, query, response) {
    const isInitial = query.get('sendInitialEvents') === 'true';
    const since = Number(query.get('resourceVersion') ?? this.#version);
    if (isInitial && this.#options.streamingLists === 'refused') {
      fail(response, 422, 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled');
      return;
    }
    if (since > this.#version) {
      fail(response, 504, `Too large resource version: ${since}, current: ${this.#version}`);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    /** @type {Watch} */
    const watch = { kind, matches: matcher(query), response, sent: [] };
    if (since < this.#oldest) {
      const object = { kind: 'Status', reason: 'Expired', code: 410, message: `too old resource version: ${since}` };
      this.#sendLine(watch, JSON.stringify({ type: 'ERROR', object }));
      this.#say(() => response.end());
      return;
    }
    if (isInitial) {
      const lines = this.#matching(kind, watch.matches).map((object) =>
        eventLine('ADDED', this.#texts.get(object) ?? ''),
      );
      for (let start = 0; start < lines.length; start += 100) {
        this.#sendLines(watch, lines.slice(start, start + 100));
      }
      this.#sendBookmark(watch, { 'k8s.io/initial-events-end': 'true' });
    } else {
      this.#sendMissed(watch, since);
    }
    for (const line of this.#spoilers) {
      this.#sendLine(watch, line);
    }
    this.#watches.add(watch);
    const timer = setTimeout(() => response.end(), Number(query.get('timeoutSeconds') ?? 600) * 1_000);
    response.on('close', () => {
      clearTimeout(timer);
      this.#watches.delete(watch);
    });
  }

  /**
   * @param {Watch} watch
   * @param {number} since
   */
  #sendMissed(watch, since) {
    for (const { version, type, object } of this.#history) {
      if (version > since && object.kind === watch.kind && watch.matches(object)) {
        this.#sendLine(watch, JSON.stringify({ type, object }));
      }
    }
  }
}

/** @param {string} path */
function pluralOf(path) {
  return path.replace(/.*\//, '');
}

/** In the words of a real server. @param {string} path */
function forbiddenMessage(path) {
  const plural = pluralOf(path);
  const group = /^\/apis\/([^/]+)/.exec(path)?.[1] ?? '';
  const resource = group === '' ? plural : `${plural}.${group}`;
  return `${resource} is forbidden: User "viewer" cannot list resource "${plural}" in API group "${group}" at the cluster scope`;
}

/**
 * @param {string} type
 * @param {string} object as JSON
 */
function eventLine(type, object) {
  return `{"type":"${type}","object":${object}}`;
}

/** @param {ApiObject} object */
function keyOf({ kind, metadata }) {
  return `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
}

/**
 * @param {ApiObject} object
 * @param {string | undefined} namespace any, if undefined
 */
function isIn({ metadata }, namespace) {
  return namespace === undefined || metadata.namespace === namespace;
}

/**
 * The selectors that are used: a label that must not exist, and the name of an object.
 *
 * @param {URLSearchParams} query
 * @returns {(object: ApiObject) => boolean}
 */
function matcher(query) {
  const absent = /^!(.+)$/.exec(query.get('labelSelector') ?? '')?.[1];
  const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  return ({ metadata }) =>
    (absent === undefined || !(absent in (metadata.labels ?? {}))) && (name === undefined || metadata.name === name);
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {object} body
 * @param {number} [retryAfter] in seconds
 */
function respond(response, status, body, retryAfter) {
  const headers = retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` };
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {number} code
 * @param {string} message
 * @param {number} [retryAfter] in seconds
 */
function fail(response, code, message, retryAfter) {
  respond(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }, retryAfter);
}
