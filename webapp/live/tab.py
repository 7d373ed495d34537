"""The live tab: one panel of our own HTML, whose script talks to webapp/live/socket.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from collections.abc import Callable

    from webapp.app import App
    from webapp.settings import Settings


_CAMERA = '<path d="M4 8h3l1.5-2.5h7L17 8h3v11H4z"/><circle cx="12" cy="13" r="3.5"/>'
_CORNERS = '<path d="M9 4H4v5M15 4h5v5M20 15v5h-5M4 15v5h5"/>'
_KEYBOARD = '<rect x="3" y="6" width="18" height="12" rx="2"/><path d="M7 10h.1M11 10h.1M15 10h.1M8 14h8"/>'


def _t(key: str, tag: str = "span", more: str = "") -> str:
    """Return an element that the page's script fills with the text of `key`."""
    return f'<{tag} data-i18n="{key}" {more}></{tag}>'


def _help(name: str, key: str) -> str:
    """Return the question mark that opens the word of help `name`; its own name is the text `key`."""
    return (
        f'<button type="button" class="help" data-help="{name}" data-help-name="{key}" '
        'aria-expanded="false">?</button>'
    )


def _on_stage(what: str, key: str, drawing: str, more: str = "") -> str:
    """Return a button upon the picture: a drawing of 24 x 24 in lines, and the text `key` as its name."""
    return (
        f'<button type="button" {what} data-i18n-label="{key}" data-hover {more}><svg viewBox="0 0 24 24" '
        f'aria-hidden="true">{drawing}</svg></button>'
    )


def _slider(option: str, key: str, low: int, high: int, value: int) -> str:
    label = (
        # A label names the first control inside it, and an output counts as one: it comes last.
        f'<label class="slider">{_t(key)}<input type="range" data-option="{option}" min="{low}" '
        f'max="{high}" value="{value}"><output>{value}</output></label>'
    )
    return f'<div class="helped">{label}{_help(option, key)}</div>'


def _switch(option: str, key: str, *, on: bool = False) -> str:
    checked = "checked" if on else ""
    return (
        f'<label class="switch"><input type="checkbox" role="switch" data-option="{option}" {checked}>'
        f'<span class="knob" aria-hidden="true"></span>{_t(key)}</label>'
    )


def _consent(place: str, reidentify: bool, sent: bool) -> str:
    said = [place, *(["sent"] if sent else []), 2, *([4] if reidentify else []), 3]
    points = "".join(_t(f"live.consent.{name}", "li") for name in said)
    return f"""
    <div class="veil consent" data-consent>
      <div class="veil-card">
        {_t("live.title", "h2")}
        <ul>{points}</ul>
        <div class="buttons">{_t("live.start", "button", 'type="button" class="act" data-start')}
        {_t("live.try", "button", 'type="button" class="act veil-act" data-try')}</div>
        {_t("app.law", "p", 'class="quiet"')}
      </div>
    </div>
    <div class="veil starting"><div class="veil-card"><span class="spinner" aria-hidden="true"></span>
      {_t("live.starting", "p")}</div></div>
    <div class="veil message"><div class="veil-card">
      <p data-message></p>
      {_t("live.again", "button", 'type="button" class="act" data-again')}
    </div></div>"""


def _ask_for_objects() -> str:
    return f"""<div class="ask" role="group" data-ask hidden><p data-ask-text role="status"></p>
      {_t("objects.agree", "button", 'type="button" class="act" data-agree')}
      {_t("objects.no", "button", 'type="button" class="act quiet-act" data-not-now')}</div>"""


def html(settings: Settings) -> str:
    """Return the live panel as HTML; all its words are filled in by the page's script."""
    objects = _switch("objects", "live.objects") if settings.objects else ""
    return f"""
<div class="live" data-live data-view="consent">
  <div class="stage-column">
    <div class="stage">
      <canvas width="640" height="480" data-canvas role="img" data-i18n-label="live.picture"></canvas>
      <div class="on-stage" aria-hidden="true">
        <span class="badge"><b data-fps>–</b> {_t("live.fps")}</span>
        <span class="badge"><b data-latency>–</b> {_t("live.latency")}</span>
        <span class="badge rec"><i></i><b data-clock></b></span>
      </div>
      <div class="stage-tools">
        {_on_stage("data-snapshot", "live.snapshot", _CAMERA)}
        {_on_stage("data-full", "live.fullscreen", _CORNERS, 'aria-pressed="false"')}
        {_on_stage('data-help="keys"', "live.keys", _KEYBOARD, 'aria-expanded="false"')}
      </div>
      {_consent(settings.place, settings.reidentify, bool(settings.send))}
    </div>
    <p class="status" role="status" aria-live="polite"><i class="dot" aria-hidden="true"></i>
      <span data-status></span></p>
    <div class="buttons">
      {_t("live.stop", "button", 'type="button" class="act quiet-act" data-stop disabled')}
      <button type="button" class="act quiet-act" data-record aria-pressed="false" disabled
        ><i class="rec-dot" aria-hidden="true"></i>{_t("live.record")}</button>
      <span class="with-help">
        {_t("live.calibrate", "button", 'type="button" class="act quiet-act" data-calibrate disabled')}
        {_help("calibrate", "live.calibrate")}</span>
    </div>
    <p class="notice" role="status" data-notice></p>
    <p class="saved" role="status" data-saved></p>
  </div>
  <aside class="panels">
    <div class="chips" data-chips></div>
    <section class="panel">
      {_t("live.bars", "h3")}
      <div data-bars class="bars"></div>
    </section>
    <section class="panel">
      <div class="panel-head">{_t("live.plane", "h3")}{_help("valence", "live.plane")}</div>
      <canvas data-plane class="plane" role="img" data-i18n-label="live.plane"></canvas>
      <p class="axes quiet"><span>→ {_t("live.plane.valence")}</span><output data-valence></output></p>
      <p class="axes quiet"><span>↑ {_t("live.plane.arousal")}</span><output data-arousal></output></p>
    </section>
    <p class="fine"><strong data-i18n="app.disclaimer"></strong></p>
  </aside>
  <div class="settings-column">
    <fieldset class="controls">
      {_t("live.controls", "legend")}
      <div class="control-grid">
        <label class="pick">{_t("live.device")}<select data-device></select></label>
        {_slider("smoothing", "live.smoothing", 1, 30, 5)}
        {_slider("threshold", "live.threshold", 0, 90, 0)}
      </div>
      <div class="switches">
        {_switch("mirror", "live.mirror", on=True)}
        {_switch("hide", "live.hide")}
        {objects}
      </div>
      {_ask_for_objects() if settings.objects else ""}
      <div class="switches" role="group" data-i18n-label="live.show">
        {_t("live.show", "span", 'class="group-name"')}
        {_switch("box", "live.show.box", on=True)}
        {_switch("name", "live.show.name", on=True)}
        {_switch("bars", "live.show.bars")}
        {_switch("landmarks", "live.show.landmarks")}
        {_switch("va", "live.show.va")}
      </div>
    </fieldset>
    <section class="panel line-panel">
      {_t("live.line", "h3")}
      <canvas data-line class="line" role="img" data-i18n-label="live.line"></canvas>
    </section>
  </div>
  <p class="fine whole">{_t("app.source")}</p>
</div>"""


def build(app: App, blocks: gr.Blocks, say: Callable[[str], Any]) -> None:
    """Put the live tab's parts into the Blocks that are being built."""
    gr.HTML(
        html(app.settings),
        padding=False,
        apply_default_css=False,
        js_on_load="window.EMOTION.startLive(element.querySelector('[data-live]'));",
        elem_id="live-panel",
    )
