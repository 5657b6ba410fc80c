"use strict";
/* The picked losses with their parameters, and the search for more. */
{
  /** @type {any} What the scripts share. */
  const site = (globalThis.lossaryExplorer ??= {});
  const { say, el, picks } = site;
  const MOST = 7;

  /** Copies a text, and says so on the button for a while. */
  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Pages from the local file system may not use the clipboard's interface.
      const area = el("textarea", { value: text, class: "unseen" });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.textContent;
    if (button.dataset.copied) return;
    button.dataset.copied = "yes";
    button.textContent = say("Copied");
    setTimeout(() => {
      button.textContent = before;
      delete button.dataset.copied;
    }, 1200);
  }

  /** The search field with its list: a combobox that arrow keys walk through. */
  function finder(get, change) {
    const list = el("ul", { role: "listbox", id: "explorer-found", hidden: true, "aria-label": say("Losses") });
    const field = el("input", {
      type: "search",
      role: "combobox",
      "aria-expanded": "false",
      "aria-controls": "explorer-found",
      "aria-autocomplete": "list",
      autocomplete: "off",
      placeholder: say("Add a loss by any name …"),
      "aria-label": say("Add a loss"),
    });
    let chosen = -1,
      found = [];
    const show = open => {
      list.hidden = !open;
      field.setAttribute("aria-expanded", String(open));
      if (!open) field.removeAttribute("aria-activedescendant");
    };
    const point = k => {
      chosen = k;
      [...list.children].forEach((each, other) => each.setAttribute("aria-selected", String(other === k)));
      if (list.children[k]) {
        field.setAttribute("aria-activedescendant", list.children[k].id);
        list.children[k].scrollIntoView({ block: "nearest" });
      }
    };
    const take = known => {
      field.value = "";
      show(false);
      change({ losses: [...get().losses, { name: known.name, given: {} }].slice(-MOST) });
    };
    const search = () => {
      found = picks.search(field.value);
      list.replaceChildren(
        ...found.map((known, k) =>
          el(
            "li",
            {
              role: "option",
              id: `explorer-found-${k}`,
              "aria-selected": "false",
              onpointerdown: event => {
                event.preventDefault();
                take(known);
              },
            },
            el("b", {}, site.parted(known.name)),
            el("small", {}, known.summary),
          ),
        ),
      );
      show(found.length > 0);
      point(field.value ? 0 : -1);
    };
    field.addEventListener("input", search);
    field.addEventListener("focus", search);
    field.addEventListener("blur", () => show(false));
    field.addEventListener("keydown", event => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) search();
        point((chosen + (event.key === "ArrowDown" ? 1 : -1) + found.length) % found.length);
      } else if (event.key === "Enter" && found[chosen]) take(found[chosen]);
      else if (event.key === "Escape") show(false);
      else return;
      event.preventDefault();
    });
    return el("div", { class: "finder" }, field, list);
  }

  /** One picked loss. */
  function card(k, get, change) {
    const pick = () => get().losses[k],
      known = picks.facts(pick().name);
    const put = (name, value) =>
      change({
        losses: get().losses.map((each, other) =>
          other === k ? { ...each, given: { ...each.given, [name]: value } } : each,
        ),
      });
    const code = el("code", {}),
      button = el("button", { type: "button", onclick: () => copy(picks.line(pick()), button) }, say("Copy code"));
    const value = p => (p.name in pick().given ? pick().given[p.name] : p.default);
    const rows = known.parameters.map(p =>
      p.values
        ? choice(
            p,
            () => value(p),
            to => put(p.name, to),
          )
        : site.dial(
            () => ({
              title: p.name,
              value: value(p),
              low: p.low,
              high: p.high,
              step: p.step,
              logarithmic: p.logarithmic,
            }),
            to => {
              if (picks.fits(p, to)) put(p.name, Number(to.toPrecision(6)));
            },
            null,
            `card-${k}`,
          ),
    );
    rows.forEach((row, i) => {
      row.title = known.parameters[i].meaning;
    });
    const made = el(
      "section",
      { class: "picked-loss", "aria-label": known.name },
      el(
        "header",
        {},
        site.swatch(k),
        el("a", { href: `losses/${known.name}.html`, title: known.summary }, site.parted(known.name)),
        el(
          "button",
          {
            type: "button",
            class: "away",
            "aria-label": say("Remove {}", known.name),
            onclick: () => change({ losses: get().losses.filter((_, other) => other !== k) }),
          },
          "×",
        ),
      ),
      el("div", { class: "line" }, code, button),
      rows,
    );
    made.update = () => {
      code.replaceChildren(...site.parted(picks.line(pick())));
      const asked = picks.ready(pick()),
        used = asked ? asked.variant.numbers : [];
      rows.forEach((row, i) => {
        row.update();
        row.hidden = !known.parameters[i].values && !used.includes(known.parameters[i].name);
      });
    };
    return made;
  }

  function choice(parameter, get, set) {
    const shown = value => (typeof value === "boolean" ? (value ? "True" : "False") : value);
    const select = el(
      "select",
      { onchange: () => set(parameter.values[select.selectedIndex]) },
      parameter.values.map(value => el("option", {}, shown(value))),
    );
    const made = el("label", { class: "dial" }, el("span", {}, site.parted(parameter.name)), select);
    made.update = () => {
      select.selectedIndex = parameter.values.indexOf(get());
    };
    return made;
  }

  function build(parent, get, change) {
    const cards = el("div", { class: "cards" });
    parent.append(finder(get, change), cards);
    let shape = null;
    return {
      update() {
        const wanted = get()
          .losses.map(each => each.name)
          .join();
        if (wanted !== shape) {
          shape = wanted;
          const held = [...cards.children].findIndex(each => each.contains(document.activeElement));
          cards.replaceChildren(...get().losses.map((_, k) => card(k, get, change)));
          if (held >= 0 && cards.children.length)
            cards.children[Math.min(held, cards.children.length - 1)].querySelector(".away").focus();
        }
        for (const each of cards.children) each.update();
      },
    };
  }

  site.side = { build, copy };
}
