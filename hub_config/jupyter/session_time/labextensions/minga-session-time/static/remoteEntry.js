// JupyterLab's part of the time limit: warn, save before the end, make longer, say what happened.
//
// A federated extension (https://jupyterlab.readthedocs.io/en/stable/extension/extension_dev.html)
// written without a build step: `init` gets the modules that JupyterLab shares, `get` gives our
// plugins. It has no sentences of its own: they come with the time, in all languages, from the
// hub's catalog (spawners/session_time.py).
"use strict";

(() => {
  const NAME = "minga-session-time";
  const EVENT = "https://minga.example/events/session-ending";
  const WARN_MINUTES = [15, 5, 1];
  const SAVE_MINUTES = [5, 1];
  const LAST_MINUTE = 60; // seconds: from here on, whatever is unsaved is saved at every look
  const AGAIN = 5; // seconds between two tries to reach a session that does not answer
  const PATIENCE = 20; // seconds for one of them: a connection may have died without a word
  // What the hub answers for a session that is over, or that is not this page's any more.
  const NOT_RUNNING = [401, 403, 424];
  const SOURCE = "es"; // the language that all sentences have
  let shared = {};

  /** One of JupyterLab's own modules, at the newest version that it shares. */
  async function lab(module) {
    const versions = shared[module] || {};
    const order = (a, b) => a.localeCompare(b, undefined, { numeric: true });
    const newest = Object.keys(versions).sort(order).pop();
    if (!newest) throw new Error(`${NAME}: JupyterLab does not share ${module}`);
    return (await versions[newest].get())();
  }

  /** How long until the next look at the time, in seconds. */
  const pause = (left) => (left === null || left > 1200 ? 60 : left > 360 ? 20 : 5);

  /** "{minutes} minutos" and {minutes: 5} -> "5 minutos". */
  const filled = (text, values) =>
    text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));

  class Clock {
    constructor(app, modules, documents, language, statusBar) {
      Object.assign(this, { app, modules, documents, language, statusBar });
      this.settings = app.serviceManager.serverSettings;
      this.url = modules.coreutils.URLExt.join(this.settings.baseUrl, "minga/session");
      this.answer = null;
      this.warned = null; // the last of WARN_MINUTES that was shown
      this.savedAt = null; // the last of SAVE_MINUTES that was acted on
      this.notice = null; // the id of the notification that is there
      this.copies = new Map(); // document -> the name that its copy got
      this.saving = new Set(); // documents whose saving is not over yet
    }

    say(name, values = {}) {
      return filled(this.inLanguage(this.answer?.sentences?.[name] || {}), values);
    }

    /** One of {es: "…", en: "…"}: JupyterLab's, if it can have the session's language. */
    inLanguage(all) {
      const { language, in_jupyterlab } = this.answer || {};
      const wanted = [in_jupyterlab ? this.language : language, language, SOURCE];
      return wanted.map((code) => all[code]).find(Boolean) || "";
    }

    at(left) {
      const time = new Date(Date.now() + left * 1000);
      const [hour, minute] = [time.getHours(), time.getMinutes()];
      return `${hour}:${String(minute).padStart(2, "0")}`;
    }

    async ask(method = "GET") {
      const { ServerConnection } = this.modules.services;
      const response = await ServerConnection.makeRequest(this.url, { method }, this.settings);
      const answer = await response.json();
      if (!response.ok) throw Object.assign(new Error(response.status), { answer });
      return answer;
    }

    async look() {
      clearTimeout(this.timer);
      try {
        this.answer = await this.ask();
        this.asked = performance.now();
      } catch {
        // The server does not answer: what was known goes on; JupyterLab itself says so.
      }
      const left = this.left();
      this.show(left);
      clearTimeout(this.timer); // of another look meanwhile: a signal, a page that is seen again
      this.timer = setTimeout(() => this.look(), pause(left) * 1000);
    }

    /** Wait for a session that does not answer: true when it does, false when it is over. */
    async answersAgain() {
      const { ServerConnection } = this.modules.services;
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, AGAIN * 1000));
        if (document.hidden) continue; // nobody waits
        const patient = { signal: AbortSignal.timeout(PATIENCE * 1000) };
        const asked = ServerConnection.makeRequest(this.url, patient, this.settings);
        const reply = await asked.catch(() => null);
        if (NOT_RUNNING.includes(reply?.status)) return false;
        if (reply?.ok && !reply.redirected) return true;
      }
    }

    left() {
      const left = this.answer?.seconds_left ?? null;
      return left === null ? null : Math.max(0, left - (performance.now() - this.asked) / 1000);
    }

    show(left) {
      if (this.status) this.status.tell(left);
      if (left === null) return this.calm();
      const within = (limits) => limits.filter((minutes) => left <= minutes * 60).pop() ?? null;
      const warn = within(WARN_MINUTES);
      if (warn === null) this.calm();
      // A longer time than before is an extension: the warnings begin again.
      else if (warn !== this.warned) this.warn(left, warn);
      const save = within(SAVE_MINUTES);
      if (save !== null && (save !== this.savedAt || left <= LAST_MINUTE)) this.saveAll(false);
      this.savedAt = save;
    }

    calm() {
      if (this.notice) this.modules.apputils.Notification.dismiss(this.notice);
      this.notice = this.warned = null;
    }

    warn(left, minutes) {
      const { Notification } = this.modules.apputils;
      this.calm();
      this.warned = minutes;
      const rounded = Math.max(1, Math.round(left / 60));
      const values = { minutes: rounded, time: this.at(left) };
      const text = this.say(rounded > 1 ? "minutes" : "minute", values);
      const actions = [{ label: this.say("save"), callback: () => this.saveAll(true) }];
      const extension = this.answer.extension;
      if (extension)
        actions.push({
          label: this.say("extend", { minutes: extension.minutes }),
          displayType: "accent",
          callback: () => this.extend(),
        });
      const emit = minutes > 5 ? Notification.info : Notification.warning;
      this.notice = emit(`${text} ${this.say("will_save")}`, { autoClose: false, actions });
    }

    async extend() {
      const { Notification } = this.modules.apputils;
      try {
        this.answer = await this.ask("POST");
        this.asked = performance.now();
        const left = this.left();
        this.calm();
        this.show(left);
        Notification.success(this.say("extended", { time: this.at(left) }), { autoClose: 8000 });
      } catch (error) {
        const why = this.inLanguage(error.answer?.why || {});
        Notification.error(why || this.say("not_extended"), { autoClose: false });
      }
    }

    /** Save all that is unsaved; never over a file that changed elsewhere. */
    async saveAll(asked) {
      const { Notification } = this.modules.apputils;
      const contexts = new Set();
      for (const widget of this.app.shell.widgets("main")) {
        const context = this.documents.contextForWidget(widget);
        if (context && context.model.dirty && !context.model.readOnly) contexts.add(context);
      }
      // One that JupyterLab asks a question about must not keep the others waiting.
      const waiting = [...contexts].filter((context) => !this.saving.has(context));
      const saved = await Promise.all(
        waiting.map(async (context) => {
          this.saving.add(context);
          try {
            return await this.save(context);
          } finally {
            this.saving.delete(context);
          }
        })
      );
      const count = saved.filter(Boolean).length;
      if (count) Notification.success(this.say("saved", { count }), { autoClose: 5000 });
      else if (asked && !contexts.size)
        Notification.info(this.say("nothing_to_save"), { autoClose: 5000 });
    }

    /** Save one document; false if it could not be, or is kept as a copy. */
    async save(context) {
      try {
        if (await this.changedElsewhere(context)) {
          await this.keepCopy(context);
          return false;
        }
        await context.save();
        return !context.model.dirty;
      } catch (error) {
        const values = { name: context.path, why: error.message || String(error) };
        const { Notification } = this.modules.apputils;
        Notification.error(this.say("not_saved", values), { autoClose: false });
        return false;
      }
    }

    /** Whether the file on the disk is not the one that was opened or last saved here. */
    async changedElsewhere(context) {
      const { contents } = this.app.serviceManager;
      const ours = context.contentsModel;
      if (!ours) return false;
      try {
        const theirs = await contents.get(context.path, { content: false });
        // The margin is JupyterLab's own: file systems keep times coarsely.
        return new Date(theirs.last_modified) - new Date(ours.last_modified) > 500;
      } catch (error) {
        if (error.response?.status === 404) return false; // deleted elsewhere: it is made again
        throw error;
      }
    }

    /** Where a question would be needed and nobody may be there: both versions stay. */
    async keepCopy(context) {
      const { contents } = this.app.serviceManager;
      const known = this.copies.get(context);
      const copy = known || (await this.freeName(context.path));
      const notebook = context.contentsModel.type === "notebook";
      await contents.save(copy, {
        type: context.contentsModel.type,
        format: notebook ? "json" : "text",
        content: notebook ? context.model.toJSON() : context.model.toString(),
      });
      if (known) return;
      this.copies.set(context, copy);
      const { Notification } = this.modules.apputils;
      Notification.warning(this.say("copied", { name: context.path, copy }), { autoClose: false });
    }

    /** A name beside `path` that no file has, whatever an earlier session left there. */
    async freeName(path) {
      const dot = path.lastIndexOf(".");
      const end = dot > path.lastIndexOf("/") + 1 ? dot : path.length;
      for (let number = 1; ; number += 1) {
        const mark = this.say("copy_mark") + (number > 1 ? ` ${number}` : "");
        const name = `${path.slice(0, end)} (${mark})${path.slice(end)}`;
        try {
          await this.app.serviceManager.contents.get(name, { content: false });
        } catch (error) {
          if (error.response?.status === 404) return name;
          throw error;
        }
      }
    }
  }

  /** The time left at the bottom of the page, from one hour before the end. */
  function statusItem(modules, clock) {
    const { Widget } = modules.widgets;
    const item = new Widget();
    item.addClass("jp-StatusBar-TextItem");
    item.addClass("minga-session-time");
    item.tell = (left) => {
      const near = left !== null && left <= 3600;
      item.setHidden(!near);
      if (!near) return;
      item.node.textContent = clock.say("status", { minutes: Math.ceil(left / 60) });
      item.node.title = clock.say("status_help", { time: clock.at(left) });
    };
    item.setHidden(true);
    return item;
  }

  async function plugins() {
    const names = ["application", "apputils", "coreutils", "docmanager", "services"];
    const loaded = await Promise.all(names.map((name) => lab(`@jupyterlab/${name}`)));
    const modules = Object.fromEntries(names.map((name, place) => [name, loaded[place]]));
    modules.widgets = await lab("@lumino/widgets");
    const { ITranslator } = await lab("@jupyterlab/translation");
    const { IStatusBar } = await lab("@jupyterlab/statusbar");
    const { JupyterFrontEnd, JupyterLab, IConnectionLost } = modules.application;
    const clockOf = {};

    const clock = {
      id: `${NAME}:clock`,
      description: "Warns before the session's end and saves what is open.",
      autoStart: true,
      requires: [modules.docmanager.IDocumentManager, ITranslator],
      optional: [IStatusBar],
      activate: (app, documents, translator, statusBar) => {
        const language = translator.languageCode.toLowerCase().split(/[-_]/)[0]; // es-ES: es
        const clock = new Clock(app, modules, documents, language, statusBar);
        clockOf.page = clock;
        if (statusBar) {
          clock.status = statusItem(modules, clock);
          statusBar.registerStatusItem(`${NAME}:left`, {
            item: clock.status,
            align: "right",
            rank: 1,
          });
        }
        app.serviceManager.events.stream.connect((_, event) => {
          if (event.schema_id !== EVENT) return;
          clock.saveAll(false);
          clock.look();
        });
        app.restored.then(() => clock.look());
        // A laptop that slept missed its timers.
        document.addEventListener("visibilitychange", () => document.hidden || clock.look());
      },
    };

    // In place of JupyterLab's own dialog, which would restart a session without saying why the
    // last one ended (it is disabled in hub_config/jupyter/student/labconfig).
    const lost = {
      id: `${NAME}:connection-lost`,
      description: "Says whether the session ended or does not answer, and goes on when it does.",
      autoStart: true,
      requires: [JupyterFrontEnd.IPaths, ITranslator],
      optional: [JupyterLab.IInfo],
      provides: IConnectionLost,
      activate: (app, paths, translator, info) => {
        if (!paths.urls.hubPrefix) return modules.application.ConnectionLost;
        const { Dialog } = modules.apputils;
        let dialog = null;
        let waiting = false;
        const closed = () => {
          dialog = null;
          if (info) info.isConnected = true;
        };

        /** Say that the session is over, or does not answer. */
        const tell = async (over) => {
          if (info) info.isConnected = false; // JupyterLab asks for nothing meanwhile
          const about = over ? "lost" : "silent";
          // Until the first answer has come, JupyterLab's own words.
          const words = translator.load("jupyterlab");
          const say = (name, otherwise) => clockOf.page?.say(name) || words.__(otherwise);
          const shown = (dialog = new Dialog({
            title: say(about, "Server unavailable or unreachable"),
            body: say(`${about}_body`, "Your server at %1 is not running."),
            buttons: [
              Dialog.cancelButton({ label: say("lost_stay", "Dismiss") }),
              Dialog.okButton({ label: say(`${about}_why`, "Restart") }),
            ],
            defaultButton: Number(over), // whoever is typing does not leave the page unawares
          }));
          const result = await shown.launch();
          if (dialog !== shown) return; // it was closed here
          closed();
          // The hub answers there while the session does not run.
          if (result.button.accept) window.location.assign(paths.urls.base);
        };

        /** Wait, whatever the person answers, until it is over or goes on. */
        const wait = async () => {
          waiting = true;
          const again = await clockOf.page.answersAgain();
          waiting = false;
          dialog?.reject();
          closed();
          if (!again) await tell(true);
        };

        return async (_, error) => {
          if (dialog) return;
          const over = NOT_RUNNING.includes(error.response?.status);
          if (!over && !waiting && clockOf.page) wait();
          await tell(over);
        };
      },
    };
    return [clock, lost];
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB[NAME] = {
    init: (scope) => {
      shared = scope;
    },
    get: async (module) => {
      if (module !== "./extension") throw new Error(`${NAME}: there is no ${module}`);
      const all = await plugins();
      return () => ({ __esModule: true, default: all });
    },
  };
})();
