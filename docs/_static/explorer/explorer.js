"use strict";
/* The explorer: the state, what shows it, and the address that keeps it. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { say, el } = site;

  /** @param {HTMLElement} root */
  function start(root) {
    let state = site.state.read(location.hash),
      waiting = false,
      acted = false,
      seen = location.hash,
      shape = "",
      views = [];
    const change = next => {
      state = { ...state, ...next };
      acted = true;
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        update();
      });
    };
    const get = () => state;

    const tab = (view, text) =>
      el(
        "button",
        {
          type: "button",
          role: "tab",
          id: `explorer-tab-${view}`,
          "aria-controls": "explorer-view",
          onclick: () => change({ view }),
          onkeydown: turn,
        },
        text,
      );
    const tabs = [tab("shape", say("Value and slope")), tab("data", say("Fit to data"))];
    function turn(event) {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const other = tabs[state.view === "shape" ? 1 : 0];
      change({ view: state.view === "shape" ? "data" : "shape" });
      other.focus();
    }
    const link = el("button", { type: "button", onclick: () => site.side.copy(address(), link) }, say("Copy link"));
    const again = el("button", { type: "button", onclick: () => change(site.state.fresh()) }, say("Start over"));
    const side = el("div", { class: "side" }),
      view = el("div", { class: "view", id: "explorer-view", role: "tabpanel" });
    const live = el("p", { class: "unseen", "aria-live": "polite" });
    root.replaceChildren(
      el(
        "div",
        { class: "bar" },
        el("div", { role: "tablist", "aria-label": say("What is shown") }, tabs),
        el("span", { class: "gap" }),
        link,
        again,
      ),
      el("div", { class: "parts" }, side, view),
      live,
    );
    const picked = site.side.build(side, get, change);
    const address = () => `${location.href.split("#")[0]}#${site.state.written(state)}`;

    function update() {
      picked.update();
      tabs.forEach(each => {
        const own = each.id.endsWith(state.view);
        each.setAttribute("aria-selected", String(own));
        each.tabIndex = own ? 0 : -1;
        if (own) view.setAttribute("aria-labelledby", each.id);
      });
      const panels = state.view === "shape" ? site.scenes.panels(state) : [];
      const wanted = state.view + panels.map(panel => panel.key + panel.flat).join();
      if (wanted !== shape) {
        shape = wanted;
        views.forEach(each => each.stop && each.stop());
        view.replaceChildren();
        views =
          state.view === "data"
            ? [site.data.build(view, get, change)]
            : panels.map((panel, k) => {
                const part = el("section", { class: "panel" });
                view.append(part);
                return (panel.flat ? site.maps : site.curves).build(part, change, `panel-${k}`);
              });
        if (!views.length) view.append(el("p", { class: "hint" }, say("Pick a loss to see it.")));
      }
      views.forEach((each, k) => each.update(panels[k]));
      if (acted) remember();
      tell(panels);
    }

    let later = 0;
    /** Browsers allow an address to be changed only so often. */
    function remember() {
      clearTimeout(later);
      later = setTimeout(() => {
        if (location.hash !== seen) return; // Another address was asked for meanwhile.
        try {
          history.replaceState(null, "", `#${site.state.written(state)}`);
          seen = location.hash;
        } catch {
          // Some browsers keep the address of a local file as it is; a copied link still tells the picture.
        }
      }, 150);
    }

    let speaking = 0;
    /** Says the numbers of the first loss once they have come to rest. */
    function tell(panels) {
      clearTimeout(speaking);
      if (!panels.length || !acted) return;
      speaking = setTimeout(() => {
        const panel = panels[0],
          made = panel.losses[0],
          { value, slope } = site.scenes.numbers(panel, made);
        live.textContent = say(
          "{}: value {}, slope {}",
          made.facts.name,
          site.shown(value),
          [].concat(slope).map(site.shown).join(", "),
        );
      }, 500);
    }

    addEventListener("hashchange", () => {
      if (location.hash === seen) return;
      seen = location.hash;
      // A link to a heading of the page changes no picture.
      if (!site.state.isOne(seen)) return;
      state = site.state.read(location.hash);
      update();
    });
    let width = 0;
    new ResizeObserver(() => {
      if (Math.abs(view.clientWidth - width) > 1) {
        width = view.clientWidth;
        update();
      }
    }).observe(view);
    update();
    root.dataset.ready = "yes";
  }

  if (typeof document !== "undefined") {
    const root = document.getElementById("loss-explorer");
    if (root) start(root);
  }
}
