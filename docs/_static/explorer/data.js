"use strict";
/* A small data set on which a line, or a border between two classes, is fitted under the picked losses side by side. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { say, el, svg, shown, clamp, short, fit } = site;
  const REACH = 3.2,
    HEIGHT = 400;
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  function build(parent, get, change) {
    const drawing = svg("svg", {
      class: "plot data",
      role: "group",
      "aria-label": say("The data set and what is fitted to it"),
    });
    const back = svg("g"),
      lines = svg("g"),
      dots = svg("g"),
      ground = svg("rect", { class: "ground" });
    const clip = svg("clipPath", { id: "explorer-data" }, svg("rect"));
    drawing.append(svg("defs", {}, clip), back, ground, lines, dots);
    const numbers = el("div"),
      hint = el("p", { class: "hint" }),
      count = el("output", {});
    let scale = null,
      picked = -1,
      shape = "",
      timer = 0,
      newcomer = 1;

    const points = () => get()[get().data],
      put = rows => change({ [get().data]: rows });
    const isLine = () => get().data === "line";
    const placed = (x, y) => [short(clamp(x, -REACH, REACH), 2), short(clamp(y, -REACH, REACH), 2)];
    const moved = (k, x, y) =>
      put(points().map((row, other) => (other === k ? [...placed(x, y), ...row.slice(2)] : row)));
    const added = (x, y, label = newcomer) => {
      picked = points().length;
      put([...points(), isLine() ? placed(x, y) : [...placed(x, y), label]]);
    };
    const removed = k => {
      if (points().length > 2 && k >= 0) {
        picked = -1;
        put(points().filter((_, other) => other !== k));
      }
    };
    const flipped = k => put(points().map((row, other) => (other === k ? [row[0], row[1], 1 - row[2]] : row)));

    ground.addEventListener("click", event => {
      const box = drawing.getBoundingClientRect();
      added(scale.fromX(event.clientX - box.left), scale.fromY(event.clientY - box.top));
    });

    /** Far from all others of its kind. */
    function outlier() {
      if (isLine()) return added(2.6 - 0.35 * (points().length % 4), -3);
      return added(-2.8 + 0.3 * (points().length % 3), -2.6, 1);
    }

    /** The picked point's label, or that of one which lies deep among its own. */
    function mislabel() {
      const middle = label =>
        [0, 1].map(k => {
          const own = points().filter(row => row[2] === label);
          return own.reduce((sum, row) => sum + row[k], 0) / own.length;
        });
      const [none, one] = [middle(0), middle(1)];
      const depth = row => (row[2] ? 1 : -1) * ((one[0] - none[0]) * row[0] + (one[1] - none[1]) * row[1]);
      const deepest = points().reduce(
        (best, row, k) => (best < 0 || depth(row) > depth(points()[best]) ? k : best),
        -1,
      );
      flipped(picked >= 0 ? picked : deepest);
    }

    const stop = () => {
      clearInterval(timer);
      timer = 0;
      run.textContent = say("Run");
    };
    const go = by =>
      change({ steps: get().steps === Infinity ? by : Math.min(get().steps + by, site.state.MOST_STEPS) });
    const button = (text, act) => el("button", { type: "button", onclick: act }, text);
    const run = button(say("Run"), () => {
      if (timer) return stop();
      if (calm()) return go(100);
      if (get().steps === Infinity || get().steps >= site.state.MOST_STEPS) change({ steps: 0 });
      run.textContent = say("Pause");
      timer = setInterval(() => {
        if (get().view !== "data" || get().steps >= site.state.MOST_STEPS) stop();
        else go(1);
      }, 60);
    });
    const radio = (name, value, text, act) =>
      el("label", {}, el("input", { type: "radio", name, value, onchange: act }), " ", text);
    const which = el(
      "fieldset",
      { class: "which" },
      el("legend", {}, say("Fit")),
      radio("explorer-data", "line", say("a line"), () => {
        picked = -1;
        stop();
        change({ data: "line", steps: 0 });
      }),
      radio("explorer-data", "border", say("a border between two classes"), () => {
        picked = -1;
        stop();
        change({ data: "border", steps: 0 });
      }),
    );
    const label = el(
      "fieldset",
      { class: "which" },
      el("legend", {}, say("New points")),
      radio("explorer-class", "0", say("class 0"), () => {
        newcomer = 0;
      }),
      radio("explorer-class", "1", say("class 1"), () => {
        newcomer = 1;
      }),
    );
    label.querySelectorAll("input")[1].checked = true;
    const wrong = button(say("Give a wrong label"), mislabel);
    const rate = site.dial(
      () => ({ title: say("learning rate"), value: get().rate, low: 0.01, high: 1, logarithmic: true }),
      to => {
        if (to > 0 && to <= 1) change({ rate: to });
      },
      null,
      "rate",
    );
    parent.append(
      which,
      el(
        "div",
        { class: "buttons" },
        button(say("Step"), () => go(1)),
        run,
        button(say("To the end"), () => {
          stop();
          change({ steps: Infinity });
        }),
        button(say("From the start"), () => {
          stop();
          change({ steps: 0 });
        }),
        count,
      ),
      rate,
      drawing,
      el(
        "div",
        { class: "buttons" },
        button(say("Add a point"), () => added(0, 0)),
        button(say("Add an outlier"), outlier),
        wrong,
        button(say("Remove the point"), () => removed(picked >= 0 ? picked : points().length - 1)),
        button(say("Original points"), () => {
          picked = -1;
          change({ line: site.state.LINE, border: site.state.BORDER });
        }),
        label,
      ),
      hint,
      numbers,
    );

    /** A point of the data. */
    function point(k) {
      const own = site.handle(drawing, {
        shape: svg("path", { class: "mark" }),
        className: "point",
        drag: (x, y, type) => {
          picked = k;
          if (type === "pointermove") moved(k, scale.fromX(x), scale.fromY(y));
          else update();
        },
        key: way => {
          if (typeof way !== "string") moved(k, points()[k][0] + 0.1 * way[0], points()[k][1] + 0.1 * way[1]);
        },
        other: event => {
          if (event.key === "Delete" || event.key === "Backspace") removed(k);
          else if (!isLine() && (event.key === "Enter" || event.key === " ")) flipped(k);
          else return false;
          return true;
        },
      });
      own.addEventListener("focus", () => {
        picked = k;
      });
      return own;
    }

    function update() {
      const state = get(),
        rows = points(),
        width = Math.max(280, parent.clientWidth);
      scale = site.scales({
        x: [-REACH, REACH],
        y: [-REACH, REACH],
        left: 34,
        top: 8,
        width: width - 46,
        height: HEIGHT - 36,
      });
      for (const [name, at] of Object.entries({ width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` }))
        drawing.setAttribute(name, at);
      for (const box of [ground, clip.firstChild])
        for (const [name, at] of Object.entries({
          x: scale.left,
          y: scale.top,
          width: scale.width,
          height: scale.height,
        }))
          box.setAttribute(name, at);
      back.replaceChildren(site.axes(scale, {}));
      if (shape !== state.data + rows.length) {
        shape = state.data + rows.length;
        const held = [...dots.children].indexOf(document.activeElement);
        dots.replaceChildren(...rows.map((_, k) => point(k)));
        if (held >= 0) dots.children[Math.min(held, rows.length - 1)].focus();
      }
      rows.forEach((row, k) => {
        const own = dots.children[k],
          kind = isLine() ? "" : say("class {}", row[2]);
        own.classList.toggle("one", !isLine() && row[2] === 1);
        own.classList.toggle("picked", k === picked);
        own
          .querySelector(".mark")
          .setAttribute(
            "d",
            !isLine() && row[2] === 1 ? "M-6-6H6V6H-6Z" : "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0",
          );
        site.put(own, scale.toX(row[0]), scale.toY(row[1]), {
          label: say("point {}", k + 1),
          now: row[0],
          low: -REACH,
          high: REACH,
          text: `${shown(row[0])}, ${shown(row[1])} ${kind}`,
        });
      });
      which.querySelectorAll("input").forEach(each => {
        each.checked = each.value === state.data;
      });
      wrong.hidden = label.hidden = isLine();
      count.textContent = state.steps === Infinity ? say("at the end") : say("{} steps", state.steps);
      rate.update();
      draw(state, rows);
    }

    /** Where a straight line crosses the plot. */
    function stroke(weights) {
      const far = 3 * REACH;
      if (isLine())
        return [
          [-far, weights[0] - far * weights[1]],
          [far, weights[0] + far * weights[1]],
        ];
      const [a, b, c] = weights,
        size = b * b + c * c;
      if (!(size > 1e-18)) return null;
      const [x, y] = [(-a * b) / size, (-a * c) / size],
        way = [-c / Math.sqrt(size), b / Math.sqrt(size)];
      return [-2 * far, 2 * far].map(by => [x + by * way[0], y + by * way[1]]);
    }

    function draw(state, rows) {
      lines.replaceChildren();
      const told = [];
      state.losses.forEach((pick, order) => {
        const found = fit.fitted(state, pick);
        if (!found) return;
        told.push({ order, ...found });
        for (const [weights, name] of [
          [found.end, "ending"],
          [found.weights, "fitted"],
        ]) {
          const ends = stroke(weights);
          if (!ends || !ends.flat().every(Number.isFinite)) continue;
          lines.append(
            svg("path", {
              class: `${name} pick-${order % 7}`,
              "clip-path": "url(#explorer-data)",
              d: site.path(ends.map(([x, y]) => [scale.toX(x), scale.toY(y)])),
            }),
          );
        }
      });
      numbers.replaceChildren();
      const left = state.losses.length - told.length;
      hint.textContent =
        (isLine()
          ? say(
              "Click to add a point, drag it, or move it with the arrow keys; Delete removes it. Thin: where each line ends.",
            )
          : say(
              "Click to add a point, drag it, or move it with the arrow keys; Delete removes it, Enter changes its class. Thin: where each border ends.",
            )) +
        (left
          ? ` ${isLine() ? say("Losses of other predictions than plain numbers fit no line: {} left out.", left) : say("Only losses of two classes fit a border: {} left out.", left)}`
          : "");
      if (!told.length) return;
      const titles = isLine()
        ? ["", say("line"), say("mean loss"), say("at the end")]
        : ["", say("score"), say("mean loss"), say("at the end"), say("on the wrong side")];
      numbers.append(
        site.table(
          say("What is fitted"),
          titles,
          told.map(each => site.row([site.swatch(each.order), site.parted(each.made.facts.name)], cells(each, rows))),
        ),
      );
    }

    function cells({ weights, mean, least, wrong, wild }, rows) {
      const term = (weight, name) =>
        `${weight < 0 ? " − " : " + "}${shown(Math.abs(Number(weight.toFixed(3))))} ${name}`;
      const formula =
        shown(Number(weights[0].toFixed(3))) +
        (isLine() ? term(weights[1], "x") : term(weights[1], "x₁") + term(weights[2], "x₂"));
      const found = [wild ? say("runs away at this rate") : formula, shown(mean), shown(least)];
      return isLine() ? found : [...found, say("{} of {}", wrong, rows.length)];
    }

    return { update, stop };
  }

  site.data = { build };
}
