"use strict";
/* Losses that a reader has picked, with their parameters: as text, as a line of Python, and ready to be called. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  /**
   * A loss and those of its parameters that were set.
   * @typedef {{name: string, given: Object<string, number|boolean|string>}} Pick
   * A pick that can be called: its facts, all parameters, how it is shown, its formula.
   * @typedef {{pick: Pick, facts: any, all: Object<string, any>, variant: any, scene: any, order?: number,
   *   run: (...inputs: any[]) => any[]}} Ready
   */

  /** The facts of a loss, by name. @param {string} name */
  const facts = name => site.losses.find(each => each.name === name);

  /** @param {Object} parameter @param {number} value */
  function fits(parameter, value) {
    if (typeof value !== "number" || !Number.isFinite(value)) return false;
    if (parameter.least !== null && (parameter.open ? value <= parameter.least : value < parameter.least)) return false;
    return parameter.most === null || value <= parameter.most;
  }

  /** A parameter as Python writes it. */
  function inPython(value) {
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value === "string") return `"${value}"`;
    return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
  }

  function fromPython(text) {
    if (text === "True" || text === "False") return text === "True";
    return /^".*"$/.test(text) ? text.slice(1, -1) : Number(text);
  }

  /** Those parameters that are not at their defaults. */
  const changed = pick =>
    facts(pick.name).parameters.filter(p => p.name in pick.given && pick.given[p.name] !== p.default);

  const settings = pick =>
    changed(pick)
      .map(p => `${p.name}=${inPython(pick.given[p.name])}`)
      .join(", ");

  /** The line of Python that makes a loss. @param {Pick} pick */
  const line = pick => `lossary.${facts(pick.name).object}(${settings(pick)})`;

  /** As an address writes it: huber(delta=0.7). @param {Pick} pick */
  const text = pick => (changed(pick).length ? `${pick.name}(${settings(pick).replaceAll(" ", "")})` : pick.name);

  /** A pick that was written so, or null; what is not allowed is left out. @returns {Pick|null} */
  function read(written) {
    const found = /^(\w+)(?:\((.*)\))?$/.exec(written.trim());
    const known = found && facts(found[1]);
    if (!known) return null;
    const given = /** @type {Object<string, number|boolean|string>} */ ({});
    for (const part of (found[2] || "").split(",")) {
      const [name, value] = part.split("=").map(each => each.trim());
      const parameter = known.parameters.find(p => p.name === name);
      if (!parameter || value === undefined) continue;
      const meant = fromPython(value);
      if (parameter.values ? parameter.values.includes(meant) : fits(parameter, meant)) given[name] = meant;
    }
    return { name: known.name, given };
  }

  /**
   * A pick ready to be called: ``run`` takes the inputs and returns the value and the slope of each prediction.
   * @param {Pick} pick
   * @returns {Ready|null}
   */
  function ready(pick) {
    const known = facts(pick.name),
      all = {};
    for (const p of known.parameters) all[p.name] = p.name in pick.given ? pick.given[p.name] : p.default;
    const variant = known.variants.find(each =>
      Object.entries(each.when).every(([name, value]) => all[name] === value),
    );
    if (!variant) return null;
    const numbers = variant.numbers.map(name => Number(all[name])),
      call = site.functions[variant.call];
    return {
      pick,
      facts: known,
      all,
      variant,
      scene: variant.scene,
      run: (...inputs) => call(...inputs, ...numbers),
    };
  }

  /** Losses that a reader looks for, the best first: by name, other libraries' names, family and summary. */
  function search(asked) {
    const fold = each => each.toLowerCase().replace(/[\s_\-.]+/g, "");
    const wanted = fold(asked);
    if (!wanted) return site.losses.slice();
    const rank = each => {
      const names = [each.name, each.object, ...each.also].map(fold);
      if (names.includes(wanted)) return 0;
      if (names[0].startsWith(wanted)) return 1;
      if (names.some(name => name.includes(wanted))) return 2;
      if (fold(each.family).includes(wanted)) return 3;
      return fold(each.summary).includes(wanted) ? 4 : 9;
    };
    const ranked = site.losses.map(each => ({ each, rank: rank(each) })).filter(one => one.rank < 9);
    return ranked.sort((a, b) => a.rank - b.rank).map(one => one.each);
  }

  site.picks = { facts, fits, line, text, read, ready, search };
}
