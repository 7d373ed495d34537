"""Controls whose values outlive a change of page and stand in the address, so that a link restores them.

Streamlit forgets a widget that is not drawn, and drops it from the address; here the choices are kept in the
session and written to the address after every run. A value from the address that no longer fits (another
file, a hand-made link) gives way to the default.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st


def _kept() -> dict[str, list[str]]:
    """Return the choices that differ from their defaults, as they stand in the address."""
    return st.session_state.setdefault("choices", {})


def arrive(ignored: Sequence[str]) -> None:
    """Take over the choices of the address, once a session; `ignored` names what is none."""
    if "choices" in st.session_state:
        return
    query = st.query_params
    st.session_state["choices"] = {
        name: query.get_all(name)[:64] for name in query if name not in ignored and len(name) <= 32
    }


def kept(key: str) -> list[str]:
    """Return all values of that name in the address."""
    return _kept().get(key, [])


def given(key: str) -> str:
    """Return the choice of that name in the address, an empty text where there is none."""
    return (_kept().get(key) or [""])[0]


def forget(*keys: str) -> None:
    """Set controls back to their defaults."""
    for key in keys:
        _kept().pop(key, None)
        _pending().add(key)


def put(key: str, values: Sequence[Any]) -> None:
    """Set a control from elsewhere; it shows the value when it is drawn the next time."""
    _kept()[key] = [str(value) for value in values]
    _pending().add(key)


def _pending() -> set[str]:
    """Return the controls whose shown value has to be set from here."""
    return st.session_state.setdefault("pending", set())


def _draw(
    widget: Callable[..., Any], *args: Any, key: str, start: dict[str, Any], fits: bool, **look: Any
) -> Any:
    """Draw a keyed widget that begins with `start` (its own name for the value, and the value).

    The browser forgets a widget that it draws anew, so the current value is always given as the initial
    one; only a value that comes from here, or an old one that no longer `fits`, goes by the session state.
    """
    if key in _pending() or (key in st.session_state and not fits):
        _pending().discard(key)
        (value,) = start.values()
        if "index" in start:
            value = args[1][value]
        st.session_state[key] = value
        return widget(*args, key=key, **look)
    return widget(*args, key=key, **start, **look)


def address(**also: Sequence[str]) -> dict[str, list[str]]:
    """Return what the address should hold: the choices, and `also` where it is not empty."""
    known = {name: list(values) for name, values in also.items() if values}
    return {**known, **{name: values for name, values in sorted(_kept().items()) if values}}


def write(**also: Sequence[str]) -> None:
    """Write the choices and `also` to the address, where it says something else."""
    wanted = address(**also)
    query = st.query_params
    if {name: query.get_all(name) for name in query} != wanted:
        query.from_dict(wanted)


def keep(key: str, value: list[str] | None) -> None:
    """Put the values of a control into the address; None where it stands at its default."""
    if value is None:
        _kept().pop(key, None)
    else:
        _kept()[key] = value


def pick(
    label: str, options: Sequence[Any], *, key: str, default: Any = None, widget: Any = None, **look: Any
) -> Any:
    """Draw a choice of one of `options` (a selectbox, or another `widget`); gives the option.

    Raises ValueError without options.
    """
    if not options:
        raise ValueError("a choice needs options")
    default = options[0] if default is None or default not in options else default
    stored = (_kept().get(key) or [""])[0]
    start = next((option for option in options if str(option) == stored), default)
    fits = st.session_state.get(key) in options
    at = {"default": start} if widget else {"index": list(options).index(start)}
    value = _draw(widget or st.selectbox, label, options, key=key, start=at, fits=fits, **look)
    value = default if value is None else value
    keep(key, None if value == default else [str(value)])
    return value


def segment(label: str, options: Sequence[Any], *, key: str, default: Any = None, **look: Any) -> Any:
    """Draw a choice of one of a few `options` side by side; gives the option."""
    return pick(label, options, key=key, default=default, widget=st.segmented_control, required=True, **look)


def picks(
    label: str,
    options: Sequence[Any],
    *,
    key: str,
    default: Sequence[Any] = (),
    widget: Callable[..., Any] | None = None,
    **look: Any,
) -> list[Any]:
    """Draw a choice of any of `options`; gives those chosen, perhaps none."""
    stored = _kept().get(key)
    start = list(default) if stored is None else [option for option in options if str(option) in stored]
    if stored and not start:
        start = list(default) if stored != [""] else []
    fits = all(value in options for value in st.session_state.get(key) or [])
    value = list(
        _draw(widget or st.multiselect, label, options, key=key, start={"default": start}, fits=fits, **look)
    )
    # An empty choice is a choice too: it stands in the address as an empty value.
    keep(
        key, None if sorted(map(str, value)) == sorted(map(str, default)) else [str(v) for v in value] or [""]
    )
    return value


def slide(
    label: str,
    low: float,
    high: float,
    default: float | tuple[float, float],
    step: float,
    *,
    key: str,
    **look: Any,
) -> Any:
    """Draw a slider for a number, or for a range where `default` is a pair; gives what was chosen."""
    wants = 2 if isinstance(default, tuple) else 1
    start = default
    try:
        numbers = [min(max(float(text), low), high) for text in _kept().get(key, [])]
        if len(numbers) == wants:
            whole = isinstance(step, int)
            numbers = [int(number) if whole else number for number in numbers]
            start = tuple(sorted(numbers)) if wants == 2 else numbers[0]  # type: ignore[assignment]
    except ValueError:
        pass
    if start != start or (wants == 2 and any(n != n for n in start)):  # type: ignore[union-attr]
        start = default
    given = st.session_state.get(key)
    fits = given is not None and all(low <= n <= high for n in (given if wants == 2 else (given,)))
    value = _draw(st.slider, label, low, high, step=step, key=key, start={"value": start}, fits=fits, **look)
    shown = value if wants == 2 else (value,)
    keep(key, None if value == default else [f"{number:g}" for number in shown])
    return value


def switch(label: str, *, key: str, **look: Any) -> bool:
    """Draw a toggle that is off at first; gives whether it is on."""
    value = bool(
        _draw(st.toggle, label, key=key, start={"value": _kept().get(key) == ["1"]}, fits=True, **look)
    )
    keep(key, ["1"] if value else None)
    return value


def text(label: str, default: str, *, key: str, **look: Any) -> str:
    """Draw a line of text; gives what was written."""
    start = (_kept().get(key) or [default])[0][:200]
    value = _draw(st.text_input, label, key=key, start={"value": start}, fits=True, **look) or ""
    keep(key, None if value == default else [value])
    return value
