"""The session's time in JupyterLab is told in JupyterLab's language, or in the session's."""

import json
import subprocess
from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parents[2] / "hub_config/jupyter/session_time/labextensions"
SCRIPT = LAB / "minga-session-time/static/remoteEntry.js"
# JupyterLab as far as the extension's clock needs it, ten minutes before a session's end.
LAB_OF_STUBS = """
const [script, lab, answer] = [process.argv[1], process.argv[2], JSON.parse(process.argv[3])];
globalThis.window = {};
globalThis.document = { addEventListener() {} };
const shown = [];
const Notification = { warning: (text) => shown.push(text), info: (text) => shown.push(text) };
class Widget {
  node = {};
  addClass() {}
  setHidden() {}
}
const stubs = {
  "@jupyterlab/application": { JupyterFrontEnd: {}, JupyterLab: {} },
  "@jupyterlab/apputils": { Notification },
  "@jupyterlab/coreutils": { URLExt: { join: () => "" } },
  "@jupyterlab/services": {
    ServerConnection: { makeRequest: async () => ({ ok: true, json: async () => answer }) },
  },
  "@lumino/widgets": { Widget },
};
const names = ["docmanager", "translation", "statusbar"].map((name) => `@jupyterlab/${name}`);
const shared = Object.fromEntries(
  [...names, ...Object.keys(stubs)].map((name) => [
    name, { "1.0.0": { get: async () => () => stubs[name] || {} } },
  ])
);
const connect = () => {};
const app = {
  serviceManager: { serverSettings: { baseUrl: "" }, events: { stream: { connect } } },
  restored: Promise.resolve(),
  shell: { widgets: () => [] },
};
require(script);
(async () => {
  const extension = window._JUPYTERLAB["minga-session-time"];
  extension.init(shared);
  const [clock] = (await extension.get("./extension"))().default;
  clock.activate(app, {}, { languageCode: lab }, null);
  while (!shown.length) await new Promise((done) => setTimeout(done, 5));
  console.log(shown[0].trim());
  process.exit(0);
})();
"""


@pytest.mark.parametrize(
    ("lab", "language", "in_jupyterlab", "said"),
    [
        ("es-ES", "es", True, "diez"),
        ("en", "en", True, "ten"),
        ("en", "es", True, "ten"),  # chosen in JupyterLab's own menu
        ("es-ES", "en", True, "diez"),
        ("es-ES", "pt", False, "dez"),  # JupyterLab cannot have it and is in Spanish
        ("pt-BR", "pt", True, "dez"),
        ("fr-FR", "en", True, "ten"),  # a language that we have no sentences in
        ("de", "fr", False, "diez"),
    ],
)
def test_language(lab, language, in_jupyterlab, said):
    answer = {
        "seconds_left": 600,
        "extension": None,
        "sentences": {"minutes": {"es": "diez", "en": "ten", "pt": "dez"}},
        "language": language,
        "in_jupyterlab": in_jupyterlab,
    }
    done = subprocess.run(
        ["node", "-e", LAB_OF_STUBS, str(SCRIPT), lab, json.dumps(answer)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout.strip(), done.stderr) == (said, "")
