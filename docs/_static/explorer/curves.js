"use strict";
/* A picture of losses along one prediction: values above, slopes below. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { say, el, svg, shown } = site;
  const HEIGHT = 300,
    BELOW = 150,
    LEFT = 52,
    RIGHT = 14;
  const POINTS = 400;

  const names = () => ({
    real: say("prediction"),
    amount: say("prediction"),
    logarithm: say("prediction: the logarithm of the rate"),
    probability: say("predicted probability of class 1"),
    score: say("score of class 1"),
    distance: say("predicted distance"),
  });
  const targets = panel =>
    panel.kind === "score" || panel.kind === "probability"
      ? say("target: the share of class 1")
      : panel.kind === "distance"
        ? say("target: whether the two belong together")
        : say("target");

  /** Where a range of values ends that shows the body of all curves. */
  function range(rows) {
    const all = rows.flat().filter(Number.isFinite);
    if (!all.length) return [0, 1];
    let low = Math.min(...all),
      high = Math.max(...all);
    // The body of a curve that has a pole, and of most curves where one rises far above them.
    const bodies = rows
      .map(row => [site.quantile(row, 0.03), site.quantile(row, 0.96)])
      .filter(each => each.every(Number.isFinite));
    const middle = numbers => numbers.sort((a, b) => a - b)[Math.floor((numbers.length - 1) / 2)];
    const roof = middle(bodies.map(each => each[1])),
      floor = -middle(bodies.map(each => -each[0])),
      room = roof - floor || 1;
    high = Math.min(high, roof + 0.7 * room);
    low = Math.max(low, floor - 0.7 * room);
    if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
    return [low - 0.05 * (high - low), high + 0.07 * (high - low)];
  }

  /** Places of a curve, with a gap where it jumps, so that no stroke is drawn there. */
  function places(scale, xs, ys, gaps) {
    const steps = ys.slice(1).map((y, k) => Math.abs(y - ys[k])),
      spread = site.quantile(ys, 0.95) - site.quantile(ys, 0.05);
    const jump = k =>
      gaps && steps[k] > 0.15 * spread && steps[k] > 20 * Math.min(steps[k - 1] ?? Infinity, steps[k + 1] ?? Infinity);
    const far = 4 * scale.height;
    const found = [];
    ys.forEach((y, k) => {
      if (k && jump(k - 1)) found.push(null);
      found.push(Number.isFinite(y) ? [scale.toX(xs[k]), site.clamp(scale.toY(y), -far, far)] : null);
    });
    return found;
  }

  /** @param {HTMLElement} parent @param {Function} change called with what changes of the state */
  function build(parent, change, id) {
    const drawing = svg("svg", { class: "plot", role: "group" }),
      back = svg("g"),
      front = svg("g");
    const clip = ["value", "slope"].map(each => svg("clipPath", { id: `${id}-${each}` }, svg("rect")));
    const dials = el("div", { class: "dials" }),
      numbers = el("div");
    let panel = null,
      scale = null;
    const step = way => (way === "low" ? panel.low : way === "high" ? panel.high : null);
    const prediction = site.handle(drawing, {
      shape: site.SHAPES.prediction(),
      className: "prediction",
      drag: x => change(panel.move(scale.fromX(x))),
      key: way => change(panel.move(step(way) ?? panel.x + panel.step * (way[0] + way[1]))),
    });
    const target = site.handle(drawing, {
      shape: site.SHAPES.target(),
      className: "target",
      drag: x => change(panel.moveTarget(scale.fromX(x))),
      key: way => change(panel.moveTarget(step(way) ?? panel.target + panel.step * (way[0] + way[1]))),
    });
    const ground = svg("rect", { class: "ground" });
    site.follow(ground, drawing, x => change(panel.move(scale.fromX(x))));
    drawing.append(svg("defs", {}, clip), back, ground, front, target, prediction);
    parent.append(drawing, dials, numbers);
    let shape = "";

    function update(next) {
      panel = next;
      const width = Math.max(280, parent.clientWidth),
        height = HEIGHT + BELOW + 56;
      const xs = site.evenly(panel.low, panel.high, POINTS);
      const found = panel.losses.map(made => xs.map(x => panel.at(made, x)));
      const values = found.map(all => all.map(each => each[0])),
        slopes = found.map(all => all.map(each => each[1]));
      const frame = { x: [panel.low, panel.high], left: LEFT, width: width - LEFT - RIGHT };
      scale = site.scales({ ...frame, y: range(values), top: 8, height: HEIGHT - 20 });
      const below = site.scales({ ...frame, y: range(slopes), top: HEIGHT + 8, height: BELOW });
      const name = names()[panel.kind] || panel.label;
      for (const [name_, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` }))
        drawing.setAttribute(name_, value);
      drawing.setAttribute(
        "aria-label",
        say("Value and slope of {}", panel.losses.map(made => made.facts.name).join(", ")),
      );
      [scale, below].forEach((each, k) => {
        for (const [key, at] of Object.entries({ x: each.left, y: each.top, width: each.width, height: each.height }))
          clip[k].firstChild.setAttribute(key, at);
      });
      for (const [key, at] of Object.entries({ x: LEFT, y: 8, width: frame.width, height: HEIGHT + BELOW }))
        ground.setAttribute(key, at);
      back.replaceChildren(site.axes(scale, { xNumbers: false }), site.axes(below, { xName: name }));
      front.replaceChildren();
      const told = panel.losses.map(made => site.scenes.numbers(panel, made));
      marks(told);
      panel.losses.forEach((made, k) => {
        const pen = { class: `curve pick-${made.order % 7}` };
        front.append(
          svg("path", {
            ...pen,
            d: site.path(places(scale, xs, values[k], false)),
            "clip-path": `url(#${id}-value)`,
          }),
        );
        front.append(
          svg("path", { ...pen, d: site.path(places(below, xs, slopes[k], true)), "clip-path": `url(#${id}-slope)` }),
        );
      });
      panel.losses.forEach((made, k) => dots(made, told[k], below));
      for (const [each, text] of [
        [scale, say("value")],
        [below, say("slope")],
      ])
        front.append(svg("text", { x: each.left + 7, y: each.top + 14, class: "name" }, text));
      site.put(prediction, scale.toX(panel.x), scale.top + scale.height - 6, {
        label: name,
        now: panel.x,
        low: panel.low,
        high: panel.high,
        text: shown(panel.x),
      });
      target.style.display = panel.onAxis ? "" : "none";
      if (panel.onAxis) {
        site.put(target, scale.toX(site.clamp(panel.target, panel.low, panel.high)), scale.top + scale.height + 14, {
          label: targets(panel),
          now: panel.target,
          low: panel.low,
          high: panel.high,
          text: shown(panel.target),
        });
      }
      setDials();
      numbers.replaceChildren(tabled(panel, told));
    }

    /** Lines across both plots: the prediction and where training starts. */
    function marks(told) {
      const bottom = HEIGHT + 8 + BELOW,
        start = told[0] && panel.start(panel.losses[0]);
      if (typeof start === "number" && start >= panel.low && start <= panel.high) {
        front.append(svg("line", { class: "start", x1: scale.toX(start), x2: scale.toX(start), y1: 8, y2: bottom }));
        front.append(svg("text", { class: "start", x: scale.toX(start) + 5, y: bottom - 6 }, say("start")));
      }
      front.append(svg("line", { class: "here", x1: scale.toX(panel.x), x2: scale.toX(panel.x), y1: 8, y2: bottom }));
    }

    /** Where the prediction stands on a curve, with the slope as a tangent, and the curve's minimum. */
    function dots(made, { value, slope, best }, below) {
      const colour = `pick-${made.order % 7}`,
        inside = y => y >= scale.y[0] && y <= scale.y[1];
      if (Number.isFinite(best.value) && inside(best.value) && !best.edge) {
        if (best.to > best.from) {
          front.append(
            svg("line", {
              class: `best ${colour}`,
              x1: scale.toX(best.from),
              x2: scale.toX(best.to),
              y1: scale.toY(best.value),
              y2: scale.toY(best.value),
            }),
          );
        } else
          front.append(
            svg("circle", { class: `best ${colour}`, cx: scale.toX(best.x), cy: scale.toY(best.value), r: 6 }),
          );
      }
      if (Number.isFinite(value) && inside(value)) {
        const [x, y] = [scale.toX(panel.x), scale.toY(value)];
        if (Number.isFinite(slope)) {
          const run = scale.toX(1) - scale.toX(0),
            rise = scale.toY(slope) - scale.toY(0),
            size = Math.hypot(run, rise) || 1;
          const [dx, dy] = [(34 * run) / size, (34 * rise) / size];
          front.append(
            svg("line", {
              class: `tangent ${colour}`,
              x1: x - dx,
              x2: x + dx,
              y1: y - dy,
              y2: y + dy,
              "clip-path": `url(#${id}-value)`,
            }),
          );
        }
        front.append(svg("circle", { class: `dot ${colour}`, cx: x, cy: y, r: 5 }));
      }
      if (Number.isFinite(slope) && slope >= below.y[0] && slope <= below.y[1]) {
        front.append(svg("circle", { class: `dot ${colour}`, cx: scale.toX(panel.x), cy: below.toY(slope), r: 4 }));
      }
    }

    /** Numbers that are typed or dragged, made anew only where there are others. */
    function setDials() {
      const wanted = panel.dials.map(each => [each.name, Boolean(each.choose)].join()).join(";");
      if (wanted !== shape) {
        shape = wanted;
        dials.replaceChildren(
          ...panel.dials.map((_, k) =>
            site.dial(
              () => ({ ...panel.dials[k], title: titled(panel.dials[k]) }),
              to => change(panel.dials[k].move(to)),
              panel.dials[k].choose ? () => change(panel.dials[k].choose()) : null,
              id,
            ),
          ),
        );
      }
      for (const each of dials.children) each.update();
    }

    const titled = dial =>
      dial.name === "target" ? targets(panel) : dial.name === "prediction" ? names()[panel.kind] : dial.name;
    return { update };
  }

  /** The table of a picture. */
  function tabled(panel, told) {
    const where = best =>
      best.edge
        ? say("beyond the range")
        : best.to > best.from
          ? say("{} to {}", shown(best.from), shown(best.to))
          : shown(site.rounded(site.short(best.x, 6)));
    const rows = panel.losses.map((made, k) =>
      site.row(
        [site.swatch(made.order), site.parted(made.facts.name)],
        [
          shown(told[k].value),
          shown(told[k].slope),
          Number.isNaN(told[k].best.value) ? "–" : where(told[k].best),
          shown(site.rounded(told[k].best.value)),
          shown(told[k].began),
        ],
      ),
    );
    const titles = [
      "",
      say("value"),
      say("slope"),
      say("best prediction"),
      say("value there"),
      say("value at the start"),
    ];
    return site.table(say("At this target and prediction"), titles, rows);
  }

  site.curves = { build };
}
