"use strict";
/* A picture of losses of three classes: the triangle of their shares, or the square of two scores, the third's being 0. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { say, el, svg, shown } = site;
  const { COLOURS, flat, planeOf, kept, field, paint, downhill, arrow } = site.planes;
  const ARROWS = 9;
  const PAD = 30;

  /** One loss's picture. */
  function mapOf(change, made, get) {
    const canvas = el("canvas", { "aria-hidden": "true" }),
      drawing = svg("svg", { role: "group" }),
      back = svg("g"),
      front = svg("g");
    const legend = el("div", { class: "legend" }),
      title = el("h3", {}, site.parted(made.facts.name));
    let side = 0,
      painted = "",
      known = null;
    const inside = (x, y) => planeOf(get()).from([(x - PAD) / side, (y - PAD) / side]);
    const keyed = (name, row, way, move) => {
      const panel = get(),
        step = panel.kind === "shares" || name === "target" ? 0.02 : 0.1,
        plane = name === "target" ? flat.shares : planeOf(panel);
      if (typeof way === "string") return;
      const [x, y] = plane.to(row),
        by = panel.kind === "shares" || name === "target" ? step : step / (2 * panel.reach);
      change(move(plane.from([x + by * way[0], y - by * way[1]])));
    };
    const prediction = site.handle(drawing, {
      shape: site.SHAPES.prediction(),
      className: "prediction",
      drag: (x, y) => change(get().move(inside(x, y))),
      key: way => keyed("prediction", get().x, way, get().move),
    });
    const target = site.handle(drawing, {
      shape: site.SHAPES.target(),
      className: "target",
      drag: (x, y) => change(get().moveTarget(inside(x, y))),
      key: way => keyed("target", get().target, way, get().moveTarget),
    });
    const ground = svg("rect", { class: "ground" });
    site.follow(ground, drawing, (x, y) => change(get().move(inside(x, y))));
    drawing.append(back, ground, front, target, prediction);
    const figure = el("figure", { class: "map" }, title, el("div", { class: "stack" }, canvas, drawing), legend);

    function update(own, told, size) {
      const panel = get(),
        plane = planeOf(panel),
        to = point => plane.to(point).map(each => each * side + PAD);
      side = size - 2 * PAD;
      figure.style.width = `${size}px`;
      const height = Math.round(side * plane.height) + 2 * PAD;
      const key = JSON.stringify([own.pick, panel.target, side, panel.kind]);
      if (key !== painted) {
        painted = key;
        known = field(panel, own);
        Object.assign(canvas, { width: side, height: Math.round(side * plane.height) });
        Object.assign(canvas.style, { left: `${PAD}px`, top: `${PAD}px` });
        paint(canvas, panel, known);
        scenery(panel, own, plane, to, height, size);
      }
      front.replaceChildren();
      const [sx, sy] = to(panel.start());
      front.append(svg("path", { class: "begin", d: `M${sx - 5} ${sy - 5}l10 10m0-10l-10 10` }));
      if (told.best.x && !told.best.edge) {
        const [bx, by] = to(told.best.x);
        front.append(svg("circle", { class: "least", cx: bx, cy: by, r: 7 }));
      }
      const [x, y] = to(panel.x),
        way = downhill(panel, own, panel.x);
      if (way) front.append(svg("path", { class: "fall", d: arrow(x + way.x * 26, y + way.y * 26, way, 30) }));
      const share = panel.kind === "shares",
        told_ = row => row.map(shown).join(", ");
      site.put(prediction, x, y, {
        label: `${made.facts.name}: ${share ? say("predicted shares of the classes") : say("scores of the classes")}`,
        now: panel.x[0],
        low: share ? 0 : -panel.reach,
        high: share ? 1 : panel.reach,
        text: told_(panel.x),
      });
      target.style.display = share ? "" : "none";
      if (share)
        site.put(target, ...to(panel.target), {
          label: `${made.facts.name}: ${say("target: the shares of the classes")}`,
          now: panel.target[0],
          low: 0,
          high: 1,
          text: told_(panel.target),
        });
    }

    /** What changes only with the loss and its target: arrows, outline, names, the legend. */
    function scenery(panel, own, plane, to, height, size) {
      for (const [name, at] of Object.entries({ width: size, height, viewBox: `0 0 ${size} ${height}` }))
        drawing.setAttribute(name, at);
      for (const [name, at] of Object.entries({ x: PAD, y: PAD, width: side, height: height - 2 * PAD }))
        ground.setAttribute(name, at);
      drawing.setAttribute(
        "aria-label",
        say("{} over three classes: bands of its value, arrows downhill", made.facts.name),
      );
      back.replaceChildren();
      const found = [];
      for (let j = 0; j < ARROWS; j++)
        for (let i = 0; i < ARROWS; i++) {
          const place = [(i + 0.5) / ARROWS, ((j + 0.5) / ARROWS) * plane.height],
            point = plane.from(place);
          if (panel.kind === "shares" && Math.min(...point) < 0.03) continue;
          found.push({ place, value: panel.at(own, kept(panel, point))[0], way: downhill(panel, own, point) });
        }
      const usual =
        site.quantile(
          found.map(each => each.way?.steep ?? 0),
          0.7,
        ) || 1;
      for (const { place, value, way } of found) {
        if (!way) continue;
        const dark = (value - known.low) / (known.high - known.low) < 0.45;
        const length = 6 + 16 * Math.tanh(way.steep / usual);
        back.append(
          svg("path", {
            class: dark ? "arrow dark" : "arrow",
            d: arrow(place[0] * side + PAD, place[1] * side + PAD, way, length),
          }),
        );
      }
      back.append(panel.kind === "shares" ? triangle(to) : square(panel, to, height));
      const [low, high] = [shown(known.low), `${known.capped ? "≥ " : ""}${shown(known.high)}`];
      legend.replaceChildren(
        el("span", {}, low),
        el("i", { style: `background: linear-gradient(90deg, ${COLOURS.map(each => `rgb(${each})`).join(", ")})` }),
        el("span", {}, high),
      );
    }

    return { figure, update };
  }

  function triangle(to) {
    const corners = [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      [a, b, c] = corners.map(to),
      label = k => say("class {}", k);
    return svg(
      "g",
      { class: "outline", "aria-hidden": "true" },
      svg("path", { d: `M${a}L${b}L${c}Z` }),
      svg("text", { x: a[0], y: a[1] - 14, "text-anchor": "middle" }, label(1)),
      svg("text", { x: b[0], y: b[1] + 22, "text-anchor": "middle" }, label(2)),
      svg("text", { x: c[0], y: c[1] + 22, "text-anchor": "middle" }, label(3)),
    );
  }

  function square(panel, to, height) {
    const [low, high] = [to([-panel.reach, -panel.reach]), to([panel.reach, panel.reach])],
      zero = to([0, 0]);
    const group = svg(
      "g",
      { class: "outline", "aria-hidden": "true" },
      svg("path", { d: `M${low}H${high[0]}V${high[1]}H${low[0]}Z` }),
    );
    for (const at of [-panel.reach, 0, panel.reach]) {
      const [x, y] = to([at, at]);
      group.append(
        svg("text", { x, y: low[1] + 15, "text-anchor": "middle" }, shown(at)),
        svg("text", { x: low[0] - 5, y: y + 4, "text-anchor": "end" }, shown(at)),
      );
    }
    const middle = (low[0] + high[0]) / 2;
    group.append(svg("text", { x: middle, y: height - 2, "text-anchor": "middle" }, say("score of class {}", 1)));
    group.append(
      svg(
        "text",
        { x: 10, y: zero[1], "text-anchor": "middle", transform: `rotate(-90 10 ${zero[1]})` },
        say("score of class {}", 2),
      ),
    );
    // Where the third class, whose score is 0, gives way to the others, and the first two to each other.
    const lines = [
      [
        [-panel.reach, 0],
        [0, 0],
      ],
      [
        [0, -panel.reach],
        [0, 0],
      ],
      [
        [0, 0],
        [panel.reach, panel.reach],
      ],
    ];
    for (const [from, end] of lines) group.append(svg("path", { class: "edge", d: `M${to(from)}L${to(end)}` }));
    return group;
  }

  function build(parent, change, id) {
    const maps = el("div", { class: "maps" }),
      dials = el("div", { class: "dials" }),
      numbers = el("div");
    parent.append(maps, dials, numbers);
    let panel = null,
      drawn = [],
      shape = "";
    const title = each =>
      each.name === "target"
        ? say("target: class {}", each.number)
        : each.name === "score"
          ? say("score of class {}", each.number)
          : say("prediction: class {}", each.number);

    function update(next) {
      panel = next;
      const names = panel.losses.map(made => [made.facts.name, made.order].join()).join(";") + panel.kind;
      if (names !== shape) {
        shape = names;
        drawn = panel.losses.map(made => mapOf(change, made, () => panel));
        maps.replaceChildren(...drawn.map(each => each.figure));
        dials.replaceChildren(
          ...panel.dials.map((_, k) =>
            site.dial(
              () => ({ ...panel.dials[k], title: title(panel.dials[k]) }),
              to => change(panel.dials[k].move(to)),
              null,
              id,
            ),
          ),
        );
      }
      const told = panel.losses.map(made => site.scenes.numbers(panel, made));
      const most = Math.max(1, Math.floor(parent.clientWidth / 260)),
        fits = Math.ceil(panel.losses.length / Math.ceil(panel.losses.length / most));
      const size = Math.floor(Math.min(380, parent.clientWidth / fits - 10));
      drawn.forEach((each, k) => each.update(panel.losses[k], told[k], size));
      for (const each of dials.children) each.update();
      numbers.replaceChildren(tabled(told));
    }

    function tabled(told) {
      const row = found => `(${found.map(shown).join(", ")})`;
      const where = best =>
        best.edge ? say("beyond the range") : best.x ? row(best.x.map(each => site.short(each))) : "–";
      const rows = panel.losses.map((made, k) =>
        site.row(
          [site.swatch(made.order), site.parted(made.facts.name)],
          [
            shown(told[k].value),
            row(told[k].slope),
            where(told[k].best),
            shown(site.rounded(told[k].best.value)),
            shown(told[k].began),
          ],
        ),
      );
      return site.table(
        say("At this target and prediction"),
        ["", say("value"), say("slope"), say("best prediction"), say("value there"), say("value at the start")],
        rows,
      );
    }
    return { update };
  }

  site.maps = { build };
}
