/*
 * Reads what the theme writes into attributes for Alpine, without `eval`.
 *
 * Alpine turns each expression into a function with `new Function`, which a strict Content-Security-Policy
 * forbids. Here an expression is parsed and then evaluated step by step, in the part of JavaScript that the
 * theme uses. It reaches the data of its element and the few names below, and nothing else: markup that
 * somebody managed to smuggle into a page gets no way to run code.
 */
"use strict";

(() => {
  const TOKEN =
    /\s*(?:(?<number>\d+(?:\.\d+)?)|(?<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?<name>[A-Za-z_$][\w$]*)|(?<sign>[=!]==?|[<>]=?|=>|=|&&|\|\||\?\?|[-+*/%!?:.,;(){}[\]]))/y;
  const BINARY = [
    { "??": (a, b) => a() ?? b(), "||": (a, b) => a() || b() },
    { "&&": (a, b) => a() && b() },
    {
      "===": (a, b) => a() === b(),
      "!==": (a, b) => a() !== b(),
      "==": (a, b) => a() == b(),
      "!=": (a, b) => a() != b(),
    },
    {
      "<": (a, b) => a() < b(),
      ">": (a, b) => a() > b(),
      "<=": (a, b) => a() <= b(),
      ">=": (a, b) => a() >= b(),
    },
    { "+": (a, b) => a() + b(), "-": (a, b) => a() - b() },
    { "*": (a, b) => a() * b(), "/": (a, b) => a() / b(), "%": (a, b) => a() % b() },
  ];
  const CONSTANTS = { true: true, false: false, null: null, undefined: undefined };

  const STORE = {
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
  };

  // All that an expression reaches besides the data of its element: what the theme's own attributes name.
  const GLOBALS = {
    theme: () => theme,
    searchForm: () => searchForm,
    searchDropdown: () => searchDropdown,
    searchCommand: () => searchCommand,
    sortRecords: () => sortRecords,
    moveRecords: () => moveRecords,
    getCurrentTab: () => getCurrentTab,
    localStorage: () => STORE,
    window: () => ({ location: { pathname: location.pathname, search: location.search } }),
  };
  // A name that is written without having been declared, as the theme does on pages without tabs.
  const undeclared = {};
  const CLOSED = new Set(["__proto__", "constructor", "prototype"]);
  const METHODS_OF_ELEMENTS = new Set(["blur", "focus"]);

  const property = (object, key) => {
    if (CLOSED.has(String(key)) || typeof object === "function") {
      throw new TypeError(`An expression may not reach ${String(key)}`);
    }
    return object[key];
  };

  // Texts, lists and the store answer; of an element only what moves the focus does.
  const answers = (object, key) =>
    typeof object === "string" ||
    Array.isArray(object) ||
    object === STORE ||
    (object instanceof Element && METHODS_OF_ELEMENTS.has(key));

  const call = (object, key, values) => {
    if (!answers(object, key)) throw new TypeError(`An expression may not call ${String(key)}`);
    return property(object, key).apply(object, values);
  };

  /** The names that an expression knows: those of an arrow function, then the element's data. */
  class Scope {
    constructor(data, own = {}) {
      this.data = data;
      this.own = own;
    }

    with(name, value) {
      return new Scope(this.data, { ...this.own, [name]: value });
    }

    get(name) {
      if (Object.hasOwn(this.own, name)) return this.own[name];
      if (!CLOSED.has(name) && Reflect.has(this.data, name)) return this.data[name];
      if (Object.hasOwn(GLOBALS, name)) return GLOBALS[name]();
      if (Object.hasOwn(undeclared, name)) return undeclared[name];
      throw new ReferenceError(`${name} is not defined`);
    }

    set(name, value) {
      if (CLOSED.has(name)) throw new TypeError(`An expression may not reach ${name}`);
      if (Reflect.has(this.data, name)) this.data[name] = value;
      else undeclared[name] = value;
    }
  }

  const tokens = (source) => {
    const found = [];
    TOKEN.lastIndex = 0;
    while (source.slice(TOKEN.lastIndex).trim()) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(source);
      if (!match) throw new SyntaxError(`Cannot read ${source.slice(at)}`);
      found.push(match.groups);
    }
    return found;
  };

  const unquoted = (text) =>
    text.slice(1, -1).replace(/\\(.)/g, (_, letter) => ({ n: "\n", t: "\t" })[letter] ?? letter);

  /** Turns tokens into functions of a scope, by recursive descent. */
  class Parser {
    constructor(source) {
      this.rest = tokens(source);
    }

    peek(sign, ahead = 0) {
      return this.rest[ahead]?.sign === sign;
    }

    take(sign) {
      return this.peek(sign) ? Boolean(this.rest.shift()) : false;
    }

    expect(sign) {
      if (!this.take(sign)) throw new SyntaxError(`Expected ${sign}`);
    }

    program() {
      const steps = [];
      while (this.rest.length) {
        if (!this.take(";")) steps.push(this.statement());
      }
      return (scope) => steps.reduce((_, step) => step(scope), undefined);
    }

    statement() {
      if (this.rest[0]?.name !== "if") return this.expression();
      this.rest.shift();
      this.expect("(");
      const condition = this.expression();
      this.expect(")");
      const then = this.branch();
      const otherwise = this.rest[0]?.name === "else" ? (this.rest.shift(), this.branch()) : () => {};
      return (scope) => (condition(scope) ? then(scope) : otherwise(scope));
    }

    branch() {
      if (!this.take("{")) return this.statement();
      const steps = [];
      while (!this.take("}")) {
        if (!this.take(";")) steps.push(this.statement());
      }
      return (scope) => steps.forEach((step) => step(scope));
    }

    expression() {
      if (this.rest[0]?.name && this.peek("=>", 1)) return this.arrow();
      const target = this.conditional();
      if (!this.take("=")) return target;
      if (!target.assign) throw new SyntaxError("Cannot assign to this");
      const value = this.expression();
      return (scope) => target.assign(scope, value(scope));
    }

    arrow() {
      const { name } = this.rest.shift();
      this.expect("=>");
      const body = this.expression();
      return (scope) => (value) => body(scope.with(name, value));
    }

    conditional() {
      const condition = this.binary(0);
      if (!this.take("?")) return condition;
      const then = this.expression();
      this.expect(":");
      const otherwise = this.expression();
      return (scope) => (condition(scope) ? then(scope) : otherwise(scope));
    }

    binary(level) {
      if (level === BINARY.length) return this.unary();
      let left = this.binary(level + 1);
      while (this.rest.length && Object.hasOwn(BINARY[level], this.rest[0].sign ?? "")) {
        const operate = BINARY[level][this.rest.shift().sign];
        const [first, second] = [left, this.binary(level + 1)];
        left = (scope) =>
          operate(
            () => first(scope),
            () => second(scope),
          );
      }
      return left;
    }

    unary() {
      if (this.take("!")) {
        const operand = this.unary();
        return (scope) => !operand(scope);
      }
      if (this.take("-")) {
        const operand = this.unary();
        return (scope) => -operand(scope);
      }
      return this.postfix();
    }

    postfix() {
      let value = this.primary();
      for (;;) {
        if (this.take(".")) value = this.member(value, this.fixed(this.rest.shift()?.name));
        else if (this.take("[")) {
          value = this.member(value, this.expression());
          this.expect("]");
        } else if (this.take("(")) value = this.called(value, this.list(")"));
        else return value;
      }
    }

    fixed(name) {
      if (!name) throw new SyntaxError("Expected a name");
      return () => name;
    }

    member(object, key) {
      const read = (scope) => property(object(scope), key(scope));
      read.object = object;
      read.key = key;
      read.assign = (scope, value) => {
        // The theme empties its search fields; nothing else needs to write into what it did not make.
        if (key(scope) !== "value") throw new TypeError("An expression may only write a value");
        object(scope).value = value;
        return value;
      };
      return read;
    }

    called(callee, values) {
      return (scope) => {
        const given = values.map((value) => value(scope));
        if (callee.object) return call(callee.object(scope), callee.key(scope), given);
        return callee(scope).apply(scope.data, given);
      };
    }

    list(end) {
      const values = [];
      while (!this.take(end)) {
        values.push(this.expression());
        if (!this.peek(end)) this.expect(",");
      }
      return values;
    }

    primary() {
      if (this.take("(")) {
        const value = this.expression();
        this.expect(")");
        return value;
      }
      if (this.take("[")) {
        const values = this.list("]");
        return (scope) => values.map((value) => value(scope));
      }
      if (this.take("{")) return this.object();
      const token = this.rest.shift();
      if (token?.number) return () => Number(token.number);
      if (token?.string) return () => unquoted(token.string);
      if (token?.name) return this.name(token.name);
      throw new SyntaxError(`Did not expect ${token?.sign ?? "the end"}`);
    }

    name(name) {
      if (Object.hasOwn(CONSTANTS, name)) return () => CONSTANTS[name];
      const read = (scope) => scope.get(name);
      read.assign = (scope, value) => {
        scope.set(name, value);
        return value;
      };
      return read;
    }

    object() {
      const entries = [];
      while (!this.take("}")) {
        const { name, string, number } = this.rest.shift() ?? {};
        this.expect(":");
        entries.push([name ?? number ?? unquoted(string), this.expression()]);
        if (!this.peek("}")) this.expect(",");
      }
      return (scope) => Object.fromEntries(entries.map(([key, value]) => [key, value(scope)]));
    }
  }

  const programs = new Map();
  const compiled = (source) => {
    if (!programs.has(source)) programs.set(source, new Parser(source).program());
    return programs.get(source);
  };

  /** Hands on a value as Alpine does: of a function its result, of a promise what it becomes. */
  const handOn = (receiver, value, data, params) => {
    const result = typeof value === "function" ? value.apply(data, params) : value;
    if (result instanceof Promise) result.then(receiver);
    else receiver(result);
  };

  const report = (error, element, expression) => {
    console.error(`Cannot evaluate ${expression}: ${error.message}`, element);
    setTimeout(() => {
      throw error;
    });
  };

  const evaluator = (element, expression) => {
    const stack = Alpine.closestDataStack(element);
    return (receiver = () => {}, { scope = {}, params = [] } = {}) => {
      const data = Alpine.mergeProxies([scope, ...stack]);
      try {
        const value =
          typeof expression === "function"
            ? expression.apply(data, params)
            : compiled(expression)(new Scope(data));
        handOn(receiver, value, data, params);
      } catch (error) {
        report(error, element, expression);
      }
    };
  };

  document.addEventListener("alpine:init", () => Alpine.setEvaluator(evaluator));

  // htmx has its own ways around a policy, which the theme does not need.
  htmx.config.allowEval = false;
  htmx.config.includeIndicatorStyles = false;
})();
