"use strict";
/* Numbers: how they are written, ticks on an axis, and where a function is least. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  /**
   * A number for people: four digits, and a true minus sign.
   * @param {number} x
   */
  function shown(x) {
    if (Number.isNaN(x)) return "–";
    if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
    const size = Math.abs(x);
    const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? x.toExponential(2) : String(Number(x.toPrecision(4)));
    return text.replace("-", "−").replace("e+", "e");
  }

  /** Nothing, where only rounding is left of it. @param {number} x */
  const rounded = x => (Math.abs(x) < 1e-12 ? 0 : x);

  /** @param {number} x @param {number} low @param {number} high */
  const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

  /** Rounded to so many decimals, so that an address stays short. @param {number} x */
  const short = (x, decimals = 3) => Number(x.toFixed(decimals));

  /** So many numbers from low to high. @param {number} low @param {number} high @param {number} count */
  const evenly = (low, high, count) => Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));

  /** Round numbers within a range, about as many as asked. @returns {number[]} */
  function ticks(low, high, about) {
    const raw = (high - low) / about;
    if (!(raw > 0) || !Number.isFinite(raw)) return [];
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * ([1, 2, 5, 10].find(each => each * power >= raw) || 10);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++)
      found.push(Number((k * step).toPrecision(12)));
    return found;
  }

  /** The number below which this share of numbers lies. @param {number[]} numbers @param {number} share */
  function quantile(numbers, share) {
    const sorted = numbers.filter(Number.isFinite).sort((a, b) => a - b);
    return sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : NaN;
  }

  const GOLDEN = (Math.sqrt(5) - 1) / 2;

  /**
   * Where a function of one number is least in a range: ``from`` to ``to`` where that is a plateau; ``edge`` says that
   * it keeps falling beyond the range.
   * @param {(x: number) => number} f
   */
  function least(f, low, high, count = 601) {
    const places = evenly(low, high, count),
      values = places.map(f);
    let best = -1;
    values.forEach((value, k) => {
      if (Number.isFinite(value) && (best < 0 || value < values[best])) best = k;
    });
    if (best < 0) return { x: NaN, from: NaN, to: NaN, value: NaN, edge: false };
    let a = places[Math.max(best - 1, 0)],
      b = places[Math.min(best + 1, count - 1)];
    for (let k = 0; k < 80; k++) {
      const left = b - GOLDEN * (b - a),
        right = a + GOLDEN * (b - a);
      if (f(left) <= f(right)) b = right;
      else a = left;
    }
    let x = (a + b) / 2,
      value = f(x);
    if (!(value <= values[best])) {
      x = places[best];
      value = values[best];
    }
    const same = k => values[k] <= value + 1e-12 * Math.max(1, Math.abs(value));
    let first = best,
      last = best;
    if (same(best)) {
      while (first > 0 && same(first - 1)) first--;
      while (last < count - 1 && same(last + 1)) last++;
    }
    const flat = last > first,
      tilt = Math.abs(f(low) - f(low + 1e-3 * (high - low)));
    return {
      x: flat ? clamp(0, places[first], places[last]) : x,
      from: flat ? places[first] : x,
      to: flat ? places[last] : x,
      value,
      edge: !flat && (best === 0 || best === count - 1) && tilt > 0,
    };
  }

  /**
   * Where a function of two or three numbers is least, by a search of ever smaller steps from a start.
   * @param {(x: number[]) => number} f @param {number[]} start
   */
  function leastNear(f, start, step, inside = _ => true) {
    let x = start.slice(),
      value = f(x);
    for (let round = 0; round < 400 && step > 1e-7; round++) {
      let better = false;
      for (let i = 0; i < x.length; i++)
        for (const way of [step, -step]) {
          const tried = x.slice();
          tried[i] += way;
          const found = inside(tried) ? f(tried) : NaN;
          if (found < value - 1e-15) {
            x = tried;
            value = found;
            better = true;
          }
        }
      if (!better) step /= 2;
    }
    return { x, value };
  }

  Object.assign(site, { shown, rounded, clamp, short, evenly, ticks, quantile, least, leastNear });

  /**
   * A sentence in the reader's language; {} stands for what is given.
   * @param {string} text @param {...(string|number)} given
   */
  site.say = (text, ...given) => {
    const found = (site.texts && site.texts[text]) || text;
    return given.reduce((sentence, each) => String(sentence).replace("{}", () => String(each)), found);
  };
}
